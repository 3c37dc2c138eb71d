"""Finds partitions whose events are read and not stored; it does not know what became of the rows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import msgspec
from msgspec.structs import replace

from alerts.record import content_id
from alerts.signal import Expectation, Signal, Statistic
from broker.progress import Progress
from policy.duration import spell
from policy.silence import SilencePolicy
from streams.detectors.silence import INSTALLATION


class Unstored(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One partition of one topic."""

    read: int = 0
    """Next offset of the worker."""
    stored: int = 0
    """Next offset of the archiver; 0 while it was never heard of."""
    awaited: int = 0
    """The offset that the archiver must reach next."""
    since: float = 0.0
    """Since when it is awaited, epoch seconds; 0 when nothing is."""
    told: bool = False
    """That it is late was told, and it has not caught up."""


@dataclass(frozen=True)
class Storage:
    """A page when what the worker had read is not stored `storage_after` later; once, until it is.

    Called for every Progress of a partition, whoever says it. Time is the highest clock given, so the worker's own
    progress is enough to find an archiver that says nothing at all. A worker that goes back has begun a new log.
    """

    policy: SilencePolicy
    policy_version: str

    def initial(self, key: str) -> Unstored:
        """A partition that was never heard of; `key` is `storage|topic|partition`."""
        return Unstored()

    def step(self, state: Unstored, event: Progress) -> tuple[Unstored, tuple[Signal, ...]]:
        """Apply what one of the two says."""
        state = _with_progress(state, event)
        if state.stored >= state.read:
            return replace(state, awaited=0, since=0.0, told=False), ()
        if not state.since or state.stored >= state.awaited:
            return replace(state, awaited=state.read, since=event.clock, told=False), ()
        late = event.clock - state.since
        if state.told or late < self._after:
            return state, ()
        return replace(state, told=True), (self._signal(state, event, late=late),)

    def _signal(self, state: Unstored, event: Progress, *, late: float) -> Signal:
        key = f"storage|{event.topic}|{event.partition}"
        at, since = datetime.fromtimestamp(event.clock, UTC), datetime.fromtimestamp(state.since, UTC)
        return Signal(
            id=content_id("sig", "silence", key, "page", f"{state.awaited}", since.isoformat()),
            detector="silence",
            tenant=INSTALLATION,
            key=key,
            level="page",
            at=at,
            statistic=Statistic(name="seconds not stored", value=late, threshold=self._after),
            expectation=Expectation(expected=float(state.awaited), seen=float(state.stored), since=since),
            policy_version=self.policy_version,
            words=(
                f"{event.topic} partition {event.partition}: what was read by {since:%Y-%m-%d %H:%M} UTC is not stored "
                f"{spell(self.policy.storage_after)} later; read up to offset {state.read}, "
                f"stored up to {state.stored}, {state.read - state.stored} are missing"
            ),
        )

    @cached_property
    def _after(self) -> float:
        return self.policy.storage_after.total_seconds()


def _with_progress(state: Unstored, event: Progress) -> Unstored:
    if event.by == "archiver":
        return replace(state, stored=event.next_offset)
    if event.next_offset < state.read:
        return Unstored(event.next_offset, min(state.stored, event.next_offset))
    return replace(state, read=event.next_offset)
