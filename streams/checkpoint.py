"""The checkpoint makes lanes durable: it fences, restores, and commits offsets with what they produced."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter

import structlog

from broker.bulk import BulkProducer
from broker.connection import KafkaSettings
from broker.errors import Fenced
from broker.view import read_all
from streams.flush_pace import FlushPace
from streams.lane import Flush, Lane, Source
from streams.metrics import FLUSH_RECORDS, FLUSH_SECONDS, LANES

log = structlog.get_logger()

LaneFactory = Callable[[int], Lane]
CommitOffsets = Callable[[Mapping[tuple[str, int], int]], Awaitable[None]]
_MAX_OUTBOX = 50_000


@dataclass(slots=True)
class _OpenLane:
    lane: Lane
    producer: BulkProducer
    pace: FlushPace
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    due: asyncio.Event = field(default_factory=asyncio.Event)
    closing: bool = False
    flusher: asyncio.Task[None] | None = None


class Checkpoint:
    """Owns the open lanes of one worker.

    With transactions, a lane's outputs, states and offsets become visible together or not at all, and opening a
    lane fences whoever held it before. Without them the order is outputs, states, offsets: a crash in between
    repeats outputs whose ids are the same, and loses nothing.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        group: str,
        *,
        agents: Mapping[str, LaneFactory],
        interval: float,
        on_failure: Callable[[BaseException], Awaitable[None]],
    ) -> None:
        self.kafka = kafka
        self.group = group
        self.agents = agents
        self.interval = interval
        self.patience = 20.0
        """Seconds in which a rebalance must follow when another owner took over a lane."""
        self.on_failure = on_failure
        self.commit_offsets: CommitOffsets | None = None
        self._open: dict[tuple[str, int], _OpenLane] = {}
        self._closed = asyncio.Event()

    def lane(self, agent: str, partition: int) -> Lane | None:
        """The open lane, or None when a rebalance has taken it away."""
        entry = self._open.get((agent, partition))
        return entry.lane if entry else None

    def lanes(self) -> list[Lane]:
        """Every open lane."""
        return [entry.lane for entry in self._open.values()]

    async def open(self, agent: str, partition: int) -> None:
        """Fence the predecessor, read the lane's state back, start flushing. Opening twice changes nothing."""
        if (agent, partition) in self._open:
            return
        lane = self.agents[agent](partition)
        transactional_id = None if self.kafka.embedded else f"{self.group}-{agent}-{partition}"
        producer = BulkProducer(self.kafka, transactional_id, compression="snappy")
        await producer.start()
        async for record in read_all(self.kafka, lane.state_topic, [partition]):
            lane.restore(record.key or b"", record.value)
        lane.restored()
        entry = _OpenLane(lane, producer, FlushPace(self.interval))
        self._open[agent, partition] = entry
        entry.flusher = asyncio.create_task(self._flush_regularly(entry), name=f"flush-{agent}-{partition}")
        LANES.labels(agent=agent).inc()
        log.info("lane_opened", agent=agent, partition=partition, fenced=bool(transactional_id))

    async def applied(self, agent: str, partition: int, *, behind: float) -> None:
        """After each batch: `behind` is the age of its last record in seconds, 0 when there is nothing more to read.

        Flushes at once when a lane's outbox has grown too large, which slows its input down instead of filling memory;
        soon when somebody waits for what is in it; seldom while the lane is far behind.
        """
        entry = self._open.get((agent, partition))
        if entry is None:
            return
        entry.pace.behind = behind
        if len(entry.lane.outbox.outputs) > _MAX_OUTBOX:
            await self._flush(entry)
        elif entry.pace.is_due(perf_counter(), awaited=entry.lane.outbox.awaited):
            entry.due.set()

    async def close(self) -> None:
        """Flush and give up every lane, before a rebalance or at the end."""
        entries, self._open = list(self._open.values()), {}
        self._closed.set()
        self._closed = asyncio.Event()
        await asyncio.gather(*(self._close(entry) for entry in entries))

    async def abandon(self, agent: str, partition: int) -> None:
        """Give up a lane that failed in the middle of a batch: what it holds is half a batch, and is not flushed."""
        entry = self._open.pop((agent, partition), None)
        if entry and entry.flusher:
            entry.flusher.cancel()
            await asyncio.gather(entry.flusher, return_exceptions=True)
            await self._gone(entry)

    async def _close(self, entry: _OpenLane) -> None:
        entry.closing = True
        entry.due.set()
        if entry.flusher:
            await entry.flusher
        await self._gone(entry)

    async def _gone(self, entry: _OpenLane) -> None:
        await entry.producer.stop()
        LANES.labels(agent=entry.lane.agent).dec()

    async def _flush_regularly(self, entry: _OpenLane) -> None:
        try:
            last = False
            while not last:
                await asyncio.sleep(entry.pace.least)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(entry.due.wait(), entry.pace.pause - entry.pace.least)
                entry.due.clear()
                last = entry.closing
                await self._flush(entry)
        except Fenced as failure:
            log.warning("lane_fenced", agent=entry.lane.agent, partition=entry.lane.partition)
            if self._open.pop((entry.lane.agent, entry.lane.partition), None):
                await self._gone(entry)
                await self._expect_rebalance(failure)
        except Exception as failure:  # the worker's boundary: a lane that cannot flush must not go on
            log.error(
                "flush_failed", agent=entry.lane.agent, partition=entry.lane.partition, kind=type(failure).__name__
            )
            await self.on_failure(failure)

    async def _expect_rebalance(self, failure: Fenced) -> None:
        """Whoever took over a lane did so in a rebalance, which we learn of late. Without one, nobody has the lane."""
        try:
            await asyncio.wait_for(self._closed.wait(), self.patience)
        except TimeoutError:
            log.error("lane_lost", patience=self.patience)
            await self.on_failure(failure)

    async def _flush(self, entry: _OpenLane) -> None:
        async with entry.lock:
            started = entry.pace.flushed_at = perf_counter()
            flush = entry.lane.drain(started, clock=time.time())  # noqa: TID251  the shell tells the time
            if flush.empty:
                return
            if self.kafka.embedded:
                await self._flush_in_order(entry.producer, flush)
            else:
                await entry.producer.commit((*flush.outputs, *flush.state), self._on_wire(flush.offsets), self.group)
            FLUSH_SECONDS.labels(agent=entry.lane.agent).observe(perf_counter() - started)
            FLUSH_RECORDS.labels(agent=entry.lane.agent).inc(len(flush.outputs) + len(flush.state))

    async def _flush_in_order(self, producer: BulkProducer, flush: Flush) -> None:
        await producer.send(flush.outputs)
        await producer.send(flush.state)
        if self.commit_offsets and flush.offsets:
            await self.commit_offsets(self._on_wire(flush.offsets))

    def _on_wire(self, offsets: Mapping[Source, int]) -> dict[tuple[str, int], int]:
        return {(self.kafka.wire_name(topic), partition): offset for (topic, partition), offset in offsets.items()}
