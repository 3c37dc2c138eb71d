"""A blast-radius quota as it is used up, in the order of the log and at event time. Pure; it holds nothing back."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from alerts.decision import Decision, Held, Measure
from alerts.record import Record, content_id
from alerts.signal import Signal, Statistic
from events.event import Instant, Tenant
from policy.duration import spell
from policy.mode import Mode

FORMER_LOG = -1
"""The place of everything that was read from a log before this one."""


class Mark(NamedTuple):
    """A signal that something followed from: its offset in the log, and the time at which it counts."""

    place: int
    at: Instant


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many in any window of event time."""

    at_most: int
    window: timedelta

    def left(self, marks: Sequence[Mark], mark: Mark) -> int:
        """How many more there may be at `mark`. Of the marks, those before it in the log count, and no others.

        So a signal that is read again after a crash is answered as it was, whatever had followed it.
        """
        before = bisect_left(marks, mark.place, key=_place)
        old = bisect_right(marks, _clock(marks, mark, before) - self.window, hi=before, key=_at)
        return max(0, self.at_most - (before - old))

    def needed(self, marks: Sequence[Mark], start: int) -> tuple[Mark, ...]:
        """Without those that cannot matter to any signal from the offset `start` on."""
        return tuple(marks[max(0, bisect_left(marks, start, key=_place) - self.at_most) :])


ONCE = 1
"""How often people are told that a quota is used up, in its window."""


class Spending(Record):
    """What one detector has taken of one measure against a tenant, in one lane and mode; replaced, never changed."""

    tenant: Tenant
    """The tenant."""
    detector: str
    """Whose quota it is."""
    measure: Measure
    """What is counted."""
    mode: Mode
    """enforce: what was done; observe: what would have been done."""
    taken: tuple[Mark, ...] = ()
    """The measures that still count, oldest first."""
    told: tuple[Mark, ...] = ()
    """When people were last told that it is used up, oldest first."""

    @property
    def key(self) -> str:
        """One per tenant, detector, measure and mode."""
        return "|".join((self.tenant, self.detector, self.measure, self.mode))

    def taking(self, mark: Mark) -> Self:
        """After one more measure. A signal takes one, however often it is read."""
        return self.replace(taken=_with(self.taken, mark))

    def telling(self, mark: Mark) -> Self:
        """After people were told."""
        return self.replace(told=_with(self.told, mark))

    def needed(self, limit: Limit, start: int) -> Self:
        """Without what cannot matter to any signal from the offset `start` on."""
        once = Limit(ONCE, limit.window)
        return self.replace(taken=limit.needed(self.taken, start), told=once.needed(self.told, start))

    def rebased(self) -> Self:
        """As a new log needs it, whose offsets start at zero."""
        return self.replace(**{name: _rebased(getattr(self, name)) for name in ("taken", "told")})


def spent_by(concluded: Decision | Held) -> Measure | None:
    """The measure that counts: a decision's, or what observe mode alone kept from being taken."""
    if isinstance(concluded, Decision):
        return concluded.measure
    return concluded.would if concluded.rehearses else None


def used_up(signal: Signal, quota: Spending, *, limit: Limit, version: str) -> Signal:
    """That `signal` found the quota used up, as a signal about a series: the detector, and nobody in particular."""
    series, window = f"{quota.tenant}|{quota.detector}", spell(limit.window)
    return Signal(
        id=content_id("sig", "quota", series, quota.measure, signal.id),
        detector="quota",
        tenant=quota.tenant,
        key=series,
        level="page",
        at=signal.at,
        statistic=Statistic(
            name=f"{quota.measure} within {window}", value=float(limit.at_most), threshold=float(limit.at_most)
        ),
        categories=signal.categories,
        policy_version=version,
        words=f"{quota.detector} has used up a partition's share of its quota: {limit.at_most} times {quota.measure} "
        f"within {window}. What goes beyond it is held, for people to look at.",
    )


def _place(mark: Mark) -> int:
    return mark.place


def _at(mark: Mark) -> datetime:
    return mark.at


def _clock(marks: Sequence[Mark], mark: Mark, before: int) -> datetime:
    """Its own time, or that of the newest before it: what comes late does not turn the window back."""
    return max(mark.at, marks[before - 1].at) if before else mark.at


def _with(marks: Sequence[Mark], mark: Mark) -> tuple[Mark, ...]:
    before = bisect_left(marks, mark.place, key=_place)
    after = bisect_right(marks, mark.place, key=_place)
    return (*marks[:before], Mark(mark.place, _clock(marks, mark, before)), *marks[after:])


def _rebased(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    return tuple(Mark(FORMER_LOG, one.at) for one in marks)
