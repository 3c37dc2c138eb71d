"""How far an input partition was read or stored, told through the log so that a gap between the two is seen."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from broker.bulk import Outgoing
from broker.errors import BrokerError
from events.topics import SERIES_COUNTS

PROGRESS_KEY = b"~progress"
"""Record key: of one partition, the latest is enough."""


class Progress(msgspec.Struct, frozen=True, tag="progress", gc=False):
    """One partition of one event topic, as the worker or the archiver sees it."""

    topic: str
    partition: int
    next_offset: int
    """The first offset not yet read (worker) or stored (archiver)."""
    by: Literal["worker", "archiver"]
    clock: float
    """When it was said, seconds since the epoch."""

    def record(self) -> Outgoing:
        """For the detector lane of the same partition."""
        return Outgoing(SERIES_COUNTS.name, PROGRESS_KEY, _ENCODE(self), self.partition)


Send = Callable[[Sequence[Outgoing]], Awaitable[None]]
"""As `BulkProducer.send`: returns when all is acknowledged, or raises a BrokerError."""

_ENCODE = msgspec.json.Encoder().encode


class ProgressTeller:
    """Tells the log how far the archiver has stored; what could not be told is told the next time."""

    def __init__(self, send: Send, *, topics: frozenset[str], clock: Callable[[], datetime]) -> None:
        self._send, self._topics, self._clock = send, topics, clock
        self._positions: dict[tuple[str, int], int] = {}

    def note(self, topic: str, partition: int, next_offset: int) -> None:
        """Everything below `next_offset` is stored; topics that nobody watches are passed over."""
        if topic in self._topics:
            self._positions[topic, partition] = next_offset

    async def tell(self, every_seconds: float) -> None:
        """Tell what has changed, until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            told, self._positions = self._positions, {}
            clock = self._clock().timestamp()
            records = [Progress(*place, offset, "archiver", clock).record() for place, offset in told.items()]
            try:
                await self._send(records)
            except BrokerError:
                self._positions = told | self._positions

    @contextlib.asynccontextmanager
    async def telling(self, every_seconds: float = 15.0) -> AsyncIterator[None]:
        """Tell in the background while the block runs."""
        task = asyncio.create_task(self.tell(every_seconds), name="progress")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
