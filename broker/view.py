"""Reads whole topics from their beginning, without a consumer group; it commits nothing and writes nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Protocol, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from broker.connection import KafkaSettings
from broker.errors import BrokerUnreachable
from broker.leave import leave
from events.topics import Topic

_log = logging.getLogger(__name__)

_FETCH_WAIT_MS = 100
_CATCH_UP_POLL_MS = 10
_SILENCE_SECONDS = 30.0
_RETRY_SECONDS = 0.5
_EMPTY_ANSWERS_EMBEDDED = 2
_EMPTY_ANSWERS = 10


class Record(Protocol):
    """A record of the log as it is read."""

    @property
    def topic(self) -> str:
        """The topic's name on the wire, with the settings' prefix."""

    @property
    def partition(self) -> int:
        """The partition it lies in."""

    @property
    def offset(self) -> int:
        """Its place in the partition; offsets grow, with gaps."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, as the producer or the broker set it."""

    @property
    def key(self) -> bytes | None:
        """What compaction goes by."""

    @property
    def value(self) -> bytes | None:
        """The content; None deletes the key from a compacted topic."""


async def read_all(settings: KafkaSettings, topic: Topic | str, partitions: Iterable[int]) -> AsyncIterator[Record]:
    """Every committed record of these partitions of a topic, from the beginning to what is the end when it gets there.

    Partitions are interleaved; within one the order is the log's. What an open transaction holds back is not waited
    for: who must see the records of a predecessor starts a producer under its transactional id first.
    Raises BrokerUnreachable when nothing answers, or has not for half a minute.
    """
    name = settings.wire_name(topic)
    async with _Reader(settings, {TopicPartition(name, part): None for part in partitions}) as reader:
        while not reader.caught_up:
            for record in await reader.poll():
                yield record


class TopicTail:
    """Follows whole topics and hands each record to `apply`, from the first one on, for as long as it runs.

    `apply` is called in the event loop, once per committed record and in each partition's order; it must not block and
    must accept a record again: a broker that lost its log and got it back repeats itself. `caught_up` is set when
    every partition has been read to its end once. A lost broker is waited for, and reading goes on where it was.

        tail = TopicTail(settings, [ENFORCEMENTS], lambda record: standings.update({record.key: record.value}))
        await tail.start()
        await tail.caught_up.wait()
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topics: Iterable[Topic | str],
        apply: Callable[[Record], None],
        *,
        silence: float = _SILENCE_SECONDS,
    ) -> None:
        """A connection that says nothing for `silence` seconds is given up for another."""
        names = [settings.wire_name(topic) for topic in topics]
        self._settings = settings
        self._apply, self._silence = apply, silence
        self._positions: dict[TopicPartition, int | None] = {
            TopicPartition(name, part): None for name in names for part in range(settings.partitions)
        }
        self._task: asyncio.Task[None] | None = None
        self.caught_up = asyncio.Event()

    @property
    def running(self) -> bool:
        """False before the start, after the stop, and when `apply` has raised."""
        return self._task is not None and not self._task.done()

    @property
    def up_to_date(self) -> bool:
        """Whether everything was read to its end once and what comes is still read."""
        return self.caught_up.is_set() and self.running

    async def start(self) -> None:
        """Begin to read in the background; returns at once, whether the broker answers or not."""
        self._task = asyncio.create_task(self.run())

    async def stop(self) -> None:
        """Stop reading. Raises what `apply` raised, if that is why it had stopped before."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            if not self._task.cancelled() and (error := self._task.exception()):
                raise error

    async def run(self) -> None:
        """Read until cancelled. Raises only what `apply` raises."""
        while True:
            try:
                async with _Reader(self._settings, self._positions, silence=self._silence) as reader:
                    await self._follow(reader)
            except (BrokerUnreachable, KafkaError) as error:
                _log.warning("tail_interrupted reason=%s", type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _follow(self, reader: "_Reader") -> None:
        while True:
            for record in await reader.poll():
                self._apply(record)
            if reader.caught_up:
                self.caught_up.set()


class _Reader:
    """One connection to fixed partitions, and how far each has been read; writes that into `positions`."""

    def __init__(
        self,
        settings: KafkaSettings,
        positions: dict[TopicPartition, int | None],
        *,
        silence: float = _SILENCE_SECONDS,
    ) -> None:
        self._settings = settings
        self._positions = positions
        self._behind = set(positions)
        self._answered: dict[TopicPartition, int | None] = dict.fromkeys(positions)
        self._empty = dict.fromkeys(positions, 0)
        self._heard = dict.fromkeys(positions, asyncio.get_running_loop().time())
        self._silence, self._cut_off = silence, False
        self._consumer: Any = AIOKafkaConsumer(
            **settings.options(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )

    @property
    def caught_up(self) -> bool:
        """Whether every partition has been at its end at least once."""
        return not self._behind

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
        except KafkaConnectionError as error:
            await leave(self._consumer)
            raise BrokerUnreachable(self._settings.bootstrap) from error
        self._consumer.assign(list(self._positions))
        for partition, position in self._positions.items():
            if position is not None:
                self._consumer.seek(partition, position)
        return self

    async def __aexit__(self, *_: object) -> None:
        await leave(self._consumer)

    async def poll(self) -> list[Record]:
        """What has arrived, after at most a fetch's waiting time.

        Raises BrokerUnreachable after a long silence, of one partition too: others that answer do not speak for it; and
        when the client waits so long for a place of its own. Never with the places of records in hand noted.
        """
        if self._cut_off:
            raise BrokerUnreachable(self._settings.bootstrap)
        before = dict(self._positions)
        try:
            async with asyncio.timeout(self._silence):
                return await self._poll()
        except TimeoutError:
            self._positions.update(before)  # what was in hand is read again
            raise BrokerUnreachable(self._settings.bootstrap) from None

    async def _poll(self) -> list[Record]:
        # Taken before: what these answers held is in the buffer that getmany empties.
        answered = {partition: self._consumer.last_poll_timestamp(partition) for partition in self._positions}
        wait_ms = _FETCH_WAIT_MS if self.caught_up else _CATCH_UP_POLL_MS
        batches = await self._consumer.getmany(timeout_ms=wait_ms)
        for partition, at in answered.items():
            await self._note(partition, answered=at, records=batches.get(partition, ()))
        self._cut_off = asyncio.get_running_loop().time() - min(self._heard.values()) > self._silence
        return [record for batch in batches.values() for record in batch]

    async def _note(self, partition: TopicPartition, *, answered: int | None, records: Iterable[Any]) -> None:
        if records:
            self._answered[partition] = self._consumer.last_poll_timestamp(partition)
        elif answered != self._answered[partition]:
            self._answered[partition] = answered
        else:
            return
        position = await self._consumer.position(partition)
        moved = position != self._positions[partition]
        self._empty[partition] = 0 if moved else self._empty[partition] + 1
        self._positions[partition] = position
        self._heard[partition] = asyncio.get_running_loop().time()
        if self._at_end(partition, position):
            self._behind.discard(partition)

    def _at_end(self, partition: TopicPartition, position: int) -> bool:
        if self._settings.embedded:
            return self._empty[partition] >= _EMPTY_ANSWERS_EMBEDDED
        # The broker names the end in every answer. A log whose last records were compacted away is never read up to it.
        end = self._consumer.last_stable_offset(partition)
        return position >= end or self._empty[partition] >= _EMPTY_ANSWERS
