"""How many events an hour of the day usually brings, weekdays and weekends apart; it judges no count.

One decayed mean per hour (UTC), learnt from whole hours. Nothing is known of an hour that was never lived through.
"""

from dataclasses import dataclass
from functools import cached_property
from math import exp2, sqrt

import msgspec
from msgspec.structs import replace

HOUR = 3600
_CELLS = 48
_DAY = 24 * HOUR


class Activity(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was learnt of one activity; about 900 bytes after a week."""

    at: int
    """Start of the step expected next or judged now, epoch seconds."""
    since: int = 0
    """Start of the first step learnt, epoch seconds."""
    hour: int = 0
    """Events of the running hour; they enter its cell when it is over."""
    hour_steps: int = 0
    """Steps learnt in the running hour."""
    events: tuple[float, ...] = (0.0,) * _CELLS
    """Decayed sums of events per hour of weekdays, then of weekends."""
    steps: tuple[float, ...] = (0.0,) * _CELLS
    """Decayed numbers of steps, alike."""
    noise: float = 0.0
    """Decayed sum of squared differences of hours from what was usual, beyond what `size` explains."""
    noise_of: float = 0.0
    """Decayed sum of the events that were usual in those hours."""


class Usual(msgspec.Struct, frozen=True, gc=False):
    """What one step usually brings."""

    mean: float
    """Events; 0 where nothing is known."""
    error: float
    """Relative standard error of the mean."""


_NOTHING = Usual(0.0, 0.0)


@dataclass(frozen=True)
class UsualActivity:
    """The learning rules; `step` and `half_life` in seconds, `size` of the negative binomial."""

    step: float
    half_life: float
    size: float

    def rolled(self, activity: Activity, at: int) -> Activity:
        """The activity at the start of a later step: an hour that is over enters its cell."""
        if at // HOUR == activity.at // HOUR or not activity.hour_steps:
            return replace(activity, at=at)
        cell = _cell(activity.at)
        events, steps = list(activity.events), list(activity.steps)
        mean = events[cell] / steps[cell] * activity.hour_steps if steps[cell] else 0.0
        surplus = (activity.hour - mean) ** 2 - mean * mean / self.size if mean else 0.0
        events[cell] = events[cell] * self._day_kept + activity.hour
        steps[cell] = steps[cell] * self._day_kept + activity.hour_steps
        return replace(
            activity,
            at=at,
            hour=0,
            hour_steps=0,
            events=tuple(events),
            steps=tuple(steps),
            noise=activity.noise * self._hour_kept + surplus,
            noise_of=activity.noise_of * self._hour_kept + mean,
        )

    def burst(self, activity: Activity) -> float:
        """How many events come together, at least 1: the variance of an hour per event."""
        return max(1.0, activity.noise / activity.noise_of) if activity.noise_of else 1.0

    def learnt(self, activity: Activity, events: int) -> Activity:
        """The activity with the events of the step at `activity.at`."""
        since = activity.since or activity.at
        return replace(activity, since=since, hour=activity.hour + events, hour_steps=activity.hour_steps + 1)

    def least(self, activity: Activity) -> Usual:
        """The least of this hour, the one before and the one after: a day may begin or end an hour off."""
        return min((self._usual(activity, activity.at + off) for off in (-HOUR, 0, HOUR)), key=_mean)

    def _usual(self, activity: Activity, at: int) -> Usual:
        cell = _cell(at)
        events, steps = activity.events[cell], activity.steps[cell]
        if not events:
            return _NOTHING
        days = max(steps * self.step / HOUR, 1.0)
        return Usual(events / steps, sqrt(1.0 / events + 1.0 / (self.size * days)))

    @cached_property
    def _hour_kept(self) -> float:
        return exp2(-HOUR / self.half_life)

    @cached_property
    def _day_kept(self) -> float:
        return exp2(-_DAY / self.half_life)


def _mean(usual: Usual) -> float:
    return usual.mean


def _cell(at: int) -> int:
    """Hour of day, plus 24 at weekends; 1 January 1970 was a Thursday."""
    return at // HOUR % 24 + (24 if (at // _DAY + 3) % 7 >= 5 else 0)
