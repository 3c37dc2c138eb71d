"""Feeds a running worker at the pace at which it reads, and tells how far it is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import msgspec
from loop.outcome import Outcome, Written, settled, written
from loop.process import group_of
from loop.traffic_input import slices
from loop.waiting import until

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.topics import ensure_topics
from broker.view import Record, TopicTail
from events.topics import BOOKS, SIGNALS

_SLICES = 40
_AHEAD = 2
_PATIENCE = 240.0


@dataclass(frozen=True)
class Undisturbed:
    """An input, and what a worker that nothing happens to makes of it."""

    records: list[Outgoing]
    outcome: Outcome
    seconds: float


class Run:
    """One worker group over one input. Records go out in slices, at most two of which are not yet read."""

    def __init__(self, kafka: KafkaSettings, records: Sequence[Outgoing]) -> None:
        self.kafka, self._records = kafka, records
        self.signals = 0
        """Signals committed so far."""
        self._read: dict[bytes, int] = {}
        self._tail = TopicTail(kafka, [BOOKS, SIGNALS], self._look)
        self._feeding: asyncio.Task[None]

    @classmethod
    @asynccontextmanager
    async def fed(cls, kafka: KafkaSettings, records: Sequence[Outgoing]) -> AsyncIterator[Self]:
        """Send the input while the block lasts."""
        await ensure_topics(kafka)
        run = cls(kafka, records)
        producer = BulkProducer(kafka)
        await producer.start()
        await run._tail.start()
        run._feeding = asyncio.create_task(run._feed(producer))
        try:
            yield run
        finally:
            run._feeding.cancel()
            await asyncio.gather(run._feeding, return_exceptions=True)
            await run._tail.stop()
            await producer.stop()

    @property
    def read(self) -> int:
        """Records that the books account for. Raises what has ended the feeding too early."""
        if self._feeding.done():
            self._feeding.result()
        return self._told

    @property
    def _told(self) -> int:
        return sum(self._read.values())

    @property
    def share(self) -> float:
        """The part of the input that is read, 0..1."""
        return self.read / len(self._records)

    def _look(self, record: Record) -> None:
        if record.topic == self.kafka.wire_name(SIGNALS):
            self.signals += 1
        else:
            self._read[record.key or b""] = int(msgspec.json.decode(record.value or b"")["read"])

    async def _feed(self, producer: BulkProducer) -> None:
        sent = 0
        for part in slices(self._records, _SLICES):
            due = sent - _AHEAD * len(part)
            await until(lambda due=due: self._told >= due, "the worker reads on", seconds=_PATIENCE)
            await producer.send(part)
            sent += len(part)

    async def reaches(self, share: float) -> None:
        """Wait until this part of the input is read, and a signal has come since."""
        await until(lambda: self.share >= share, f"{share:.0%} of the input read", seconds=90)
        before = self.signals
        await until(lambda: self.signals > before or self.share >= 1, "another signal", seconds=90)

    async def done(self, seconds: float = 90.0) -> Written:
        """Wait until everything is read and all that follows from it is settled; what came of it."""
        await until(lambda: self.share >= 1, "the whole input read", seconds=seconds)
        group = group_of(self.kafka)
        await until(lambda: settled(self.kafka, group), "the lanes are settled", seconds=seconds, every=0.2)
        return await written(self.kafka)
