"""Windows made of 64 equal parts, for numbers that cannot be kept event by event; what is added up is not known here.

A window is a whole number of parts and never longer than the timespan: it may miss what happened in the oldest 64th,
and counts nothing from outside. Adding commutes, so the order of arrival does not matter.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from math import floor
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec.structs import replace

from policy.rule_checks import BUCKETS
from streams.detectors.rules.state import Bucket, RuleState
from streams.detectors.rules.window import Extent, entry, inserted

_INDEX = attrgetter("index")
_EVIDENCE_LIMIT = 20
"""Less than where events are counted: every active subject has such a state, not only those who were blocked."""


class Added(NamedTuple):
    """A window's end (epoch seconds) and sums."""

    end: float
    total: float
    part: float


def with_amount(state: RuleState, at: float, extent: Extent, *, total: float, part: float = 0) -> RuleState:
    """The state with an amount added to its part of time."""
    high, width = max(state.high, at), extent.span / BUCKETS
    index = floor(at / width)
    place = bisect_left(state.buckets, index, key=_INDEX)
    there = state.buckets[place : place + 1]
    old = there[0] if there and there[0].index == index else Bucket(index)
    after = place + (old in there)
    new = Bucket(index, max(old.at, at), old.total + total, old.part + part)
    first = bisect_left(state.buckets, floor(extent.horizon(high) / width), key=_INDEX)
    return replace(state, buckets=(*state.buckets[first:place], new, *state.buckets[after:]), high=high)


def with_evidence(state: RuleState, event: Any, at: float, extent: Extent) -> RuleState:
    """The state with the event among the newest 20."""
    newest = Extent(extent.span, extent.lateness, _EVIDENCE_LIMIT)
    return replace(state, entries=inserted(state.entries, entry(event, at), extent=newest, high=state.high))


def sums(state: RuleState, at: float, *, extent: Extent, since: float) -> Iterator[Added]:
    """The sums over the windows that contain the part of `at`, of the parts wholly after `since`."""
    width, buckets = extent.span / BUCKETS, state.buckets
    here, oldest = floor(at / width), floor(since / width)
    start = bisect_right(buckets, here, key=_INDEX)
    for past in range(start, len(buckets) + 1):
        last = buckets[past - 1].index if past > start else here
        if last - BUCKETS >= here:
            return
        held = buckets[bisect_right(buckets, max(last - BUCKETS, oldest), key=_INDEX) : past]
        end = max([at, *(one.at for one in held[-1:])])
        yield Added(end, sum(one.total for one in held), sum(one.part for one in held))
