"""Which events a table already holds, minute by minute: a bounded memory over what ClickHouse knows for good."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Minutes = NDArray[np.int64]
Load = Callable[[list[int]], Mapping[int, Hashes]]
"""Minutes → the hashes that the table holds in each; a minute without any may be left out."""

_NOTHING: Hashes = np.empty(0, np.uint64)


class SeenMinutes:
    """Tells new events from known ones, exactly: what is not in memory is asked for.

    Holds about `limit` hashes of eight bytes; the minutes used longest ago go first and are loaded again when needed.
    Not safe for several threads.
    """

    def __init__(self, load: Load, limit: int) -> None:
        self._load, self._limit = load, limit
        self._minutes: OrderedDict[int, Hashes] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def fresh(self, minutes: Minutes, hashes: Hashes) -> NDArray[np.bool_]:
        """True where an event is neither known nor earlier in these arrays. It remembers nothing of them."""
        order = np.lexsort((hashes, minutes))
        minutes, hashes = minutes[order], hashes[order]
        known = np.zeros(len(order), np.bool_)
        known[1:] = (minutes[1:] == minutes[:-1]) & (hashes[1:] == hashes[:-1])
        groups = list(_groups(minutes))
        self._fetch([minute for minute, _, _ in groups])
        for minute, start, stop in groups:
            known[start:stop] |= _within(hashes[start:stop], self._minutes[minute])
        result = np.empty(len(order), np.bool_)
        result[order] = ~known
        self._shrink()
        return result

    def remember(self, minutes: Minutes, hashes: Hashes) -> None:
        """Add events that the table holds now. Minutes that were dropped meanwhile will be loaded again."""
        order = np.argsort(minutes, kind="stable")
        minutes, hashes = minutes[order], hashes[order]
        for minute, start, stop in _groups(minutes):
            if minute in self._minutes:
                self._minutes[minute] = np.sort(np.concatenate((self._minutes[minute], hashes[start:stop])))
                self._size += stop - start
        self._shrink()

    def clear(self) -> None:
        """Forget everything: somebody else may have written."""
        self._minutes.clear()
        self._size = 0

    def _fetch(self, minutes: list[int]) -> None:
        missing = [minute for minute in minutes if minute not in self._minutes]
        found = self._load(missing) if missing else {}
        for minute in missing:
            self._minutes[minute] = np.sort(found.get(minute, _NOTHING))
            self._size += len(self._minutes[minute])
        for minute in minutes:
            self._minutes.move_to_end(minute)

    def _shrink(self) -> None:
        while self._size > self._limit and self._minutes:
            self._size -= len(self._minutes.popitem(last=False)[1])


def _groups(minutes: Minutes) -> Iterator[tuple[int, int, int]]:
    """(minute, start, stop) for each run of equal minutes."""
    if not len(minutes):
        return
    starts = np.flatnonzero(np.concatenate(([True], minutes[1:] != minutes[:-1]))).tolist()
    for start, stop in zip(starts, [*starts[1:], len(minutes)], strict=True):
        yield int(minutes[start]), start, stop


def _within(hashes: Hashes, known: Hashes) -> NDArray[np.bool_]:
    if not len(known):
        return np.zeros(len(hashes), np.bool_)
    places = np.searchsorted(known, hashes)
    found: NDArray[np.bool_] = known[np.minimum(places, len(known) - 1)] == hashes
    return found
