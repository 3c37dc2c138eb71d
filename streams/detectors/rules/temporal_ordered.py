"""temporal_ordered: the steps of a rule one after the other in one window; what happens in between does not matter."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from zlib import crc32

from msgspec.structs import replace

from streams.detectors.rules.state import Entry, RuleState
from streams.detectors.rules.window import Entries, Extent, Reached, entry, with_entry

_STEPS = 1 << 8


class Chain(NamedTuple):
    """Some first steps in order: when the first of them was, and which request the last one was of."""

    start: float
    request: int


@dataclass(frozen=True, slots=True)
class TemporalOrdered:
    """Each step strictly later in event time than the one before it, and of another request where events have one.

    Exact, late events included, while a group has at most 128 events in timespan and lateness; beyond them, first
    those go whose neighbours on both sides are the same steps.
    """

    extent: Extent
    steps: tuple[Callable[[Any], bool], ...]

    def enter(self, state: RuleState, event: Any, at: float) -> RuleState | None:
        """An event counts once per request, with all the steps that it is."""
        mask = sum(is_step(event) << step for step, is_step in enumerate(self.steps))
        request = getattr(event, "request_id", None) or event.event_id
        mark = crc32(request.encode()) * _STEPS + mask
        if not mask or any(one.mark == mark and one.at > state.spent for one in state.entries):
            return None
        room = Extent(self.extent.span, self.extent.lateness, self.extent.kept + 1)
        entered = with_entry(state, entry(event, at, mark), room)
        return replace(entered, entries=_without_repetition(entered.entries, self.extent.kept))

    def reached(self, state: RuleState, at: float, since: float) -> Reached | None:
        """A complete chain in one window with `at`."""
        fresh = tuple(one for one in state.entries if one.at > since)
        for start, end in _complete(fresh, len(self.steps)):
            if max(end, at) - min(start, at) < self.extent.span:
                return Reached(max(end, at), len(self.steps))
        return None


def _complete(entries: Entries, steps: int) -> Iterator[tuple[float, float]]:
    """Start and end of complete chains: for every end the latest start.

    Of the chains of each length the two latest are enough, if they end in different requests.
    """
    best: list[list[Chain]] = [[] for _ in range(steps)]
    for at, together in groupby(entries, key=attrgetter("at")):
        found = [(step, chain) for one in together for step, chain in _prolonged(one, best)]
        for step, chain in found:
            best[step] = _latest_two([*best[step], chain])
            if step == steps - 1:
                yield chain.start, at


def _prolonged(one: Entry, best: list[list[Chain]]) -> Iterator[tuple[int, Chain]]:
    request, mask = divmod(one.mark, _STEPS)
    for step in range(len(best)):
        if mask >> step & 1:
            before = [chain.start for chain in best[step - 1] if chain.request != request] if step else [one.at]
            if before:
                yield step, Chain(before[0], request)


def _latest_two(chains: list[Chain]) -> list[Chain]:
    first, *others = sorted(chains, reverse=True)
    return [first, *[chain for chain in others if chain.request != first.request][:1]]


def _without_repetition(entries: Entries, most: int) -> Entries:
    if len(entries) <= most:
        return entries
    masks = [one.mark % _STEPS for one in entries]
    inner = (at for at in range(1, len(masks) - 1) if masks[at - 1] == masks[at] == masks[at + 1])
    spare = next(inner, 0)
    return entries[:spare] + entries[spare + 1 :]
