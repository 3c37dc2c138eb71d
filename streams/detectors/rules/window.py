"""Sliding windows `(end - span, end]` over a group's entries, in event time; what is computed is not known here."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeAlias

from msgspec.structs import replace

from streams.detectors.rules.state import EVIDENCE_LIMIT, Entry, RuleState

Entries: TypeAlias = tuple[Entry, ...]
_AT = attrgetter("at")


class Reached(NamedTuple):
    """A window that meets its rule's condition: where it ends (epoch seconds), and the number."""

    end: float
    value: float


class Correlation(Protocol):
    """What a type of rule computes. Pure; `at` is the event's time, epoch seconds."""

    def enter(self, state: RuleState, event: Any, at: float) -> RuleState | None:
        """The state with the event in it; None where the event does not count."""
        ...

    def reached(self, state: RuleState, at: float, since: float) -> Reached | None:
        """The first window containing `at`, of what is after `since`, that meets the condition."""
        ...


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a window is, and what must be remembered to judge late events too. Seconds."""

    span: float
    lateness: float
    kept: int
    """Entries that a state may hold; beyond them the oldest go."""

    def horizon(self, high: float) -> float:
        """Nothing at or before this can be in one window with an event still to come."""
        return high - self.span - self.lateness


def entry(event: Any, at: float, mark: int = 0) -> Entry:
    """What is remembered of an event."""
    name, version = getattr(event, "filter", None) or "", getattr(event, "filter_version", None)
    return Entry(
        at,
        mark,
        event.event_id,
        str(getattr(event, "category", "")),
        str(getattr(event, "stage", "")),
        f"{name}@{version}" if version else name,
    )


def inserted(entries: Entries, new: Entry, *, extent: Extent, high: float) -> Entries:
    """`entries` with a new one, without those that can no longer count; only the newest 50 keep their ids."""
    first = bisect_right(entries, extent.horizon(high), key=_AT)
    place = bisect_right(entries, new.at, key=_AT, lo=first)
    found = (*entries[first:place], new, *entries[place:])[-extent.kept :]
    bare = len(found) - EVIDENCE_LIMIT
    if bare <= 0:
        return found
    unproven = tuple(Entry(one.at, one.mark) if one.event_id else one for one in found[:bare])
    return unproven + found[bare:]


def with_entry(state: RuleState, new: Entry, extent: Extent) -> RuleState:
    """The state with one more entry."""
    high = max(state.high, new.at)
    return replace(state, entries=inserted(state.entries, new, extent=extent, high=high), high=high)


def windows(entries: Entries, at: float, *, span: float, since: float) -> Iterator[tuple[float, int, int]]:
    """The windows that contain `at` and end there or at a later entry: (end, first entry, one past the last)."""
    start = bisect_right(entries, at, key=_AT)
    for past in range(start, len(entries) + 1):
        end = at if past == start else entries[past - 1].at
        if end - span >= at:
            return
        yield end, bisect_right(entries, max(end - span, since), key=_AT), past


def distinct(entries: Entries, at: float, *, span: float, since: float) -> Iterator[Reached]:
    """How many different marks each of these windows holds."""
    following = windows(entries, at, span=span, since=since)
    end, low, high = next(following)
    yield Reached(end, len({one.mark for one in entries[low:high]}))
    held = Counter(one.mark for one in entries[low:high])
    for end, first, past in following:
        held.update(one.mark for one in entries[high:past])
        held.subtract(one.mark for one in entries[low:first])
        low, high = first, past
        yield Reached(end, sum(count > 0 for count in held.values()))


def thinned(entries: Entries, new: Entry, *, span: float, since: float) -> Entries:
    """`entries` without those that say no more than two others with the mark of `new`.

    Between two entries less than a window apart, a third of the same mark changes the content of no window.
    """
    same = [one for one in entries if one.mark == new.mark and one.at > since]
    needed: list[Entry] = []
    for one in same:
        while len(needed) > 1 and one.at - needed[-2].at <= span:
            needed.pop()
        needed.append(one)
    if len(needed) == len(same):
        return entries
    spared = {id(one) for one in needed}
    dropped = {id(one) for one in same if id(one) not in spared}
    return tuple(one for one in entries if id(one) not in dropped)
