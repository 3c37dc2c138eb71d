"""Running totals per series and minute of one source partition: grow-only counters with the offset they stand at.

Sums over several series are not counted, but added up when they are published.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Protocol

import msgspec

from events.keys import SeriesKey
from streams.detectors.attribution import DIMENSIONS, tally
from streams.series import SeriesCount, Tally
from streams.sums import Place, Sum, Total, told

_MOST_NAMES = 10_000


Slot = tuple[int, str]
"""A minute, and the name of what is counted in it."""
Clean = tuple[int, Slot]
"""The offset of a verdict that flagged nothing, and where it counts."""


class Flagged(Protocol):
    """What a flagged verdict is counted by; None where its source does not know."""

    @property
    def state(self) -> str:
        """Detected, blocked or masked."""

    @property
    def subject(self) -> str:
        """The pseudonymised end user."""

    @property
    def api_key(self) -> str | None:
        """The pseudonymised credential."""

    @property
    def prompt_hash(self) -> str | None:
        """Keyed hash of the prompt."""

    @property
    def language(self) -> str | None:
        """BCP 47 tag of the prompt."""

    @property
    def filter(self) -> str:
        """Who judged."""

    @property
    def filter_version(self) -> str | None:
        """In which version."""

    @property
    def release(self) -> str | None:
        """The application's release or cohort."""


class Counts:
    """Totals of the minutes that may still change; older ones are forgotten.

    What is counted is named by its series and the filter behind it, `<series>|<filter>|<version>`, so that series,
    their sums and the totals of filters are all added up from the same numbers. `hierarchy` names the sums to publish:
    the parts of the series key that each level keeps, each a subset of those of the level before it.
    """

    def __init__(self, hierarchy: tuple[tuple[str, ...], ...] = ()) -> None:
        self._hierarchy = hierarchy
        self._totals: dict[tuple[int, str], Total] = {}
        self._minutes: dict[int, list[str]] = {}
        self._sums: dict[str, tuple[str, ...]] = {}
        self._places: dict[str, Place] = {}
        self._dirty: set[tuple[int, str]] = set()
        self._grown: set[tuple[int, str]] = set()
        self._forgotten: list[Slot] = []
        self._applied = -1
        """No total that is kept stands at a later offset."""

    def __len__(self) -> int:
        return len(self._totals)

    def add(self, series: str, minute: int, *, offset: int, flagged: bool = False, blocked: bool = False) -> bool:
        """Count one evaluated verdict, once: an offset at or below the total's is a repetition, and gives False."""
        key = (minute, series)
        total = self._totals.get(key)
        if total is None:
            total = self._new(key, Total())
        elif offset <= total.applied:
            return False
        total.evaluated += 1
        total.flagged += flagged
        total.blocked += blocked
        total.applied = offset
        self._applied = max(self._applied, offset)
        self._dirty.add(key)
        return True

    def flag(self, series: str, minute: int, *, offset: int, verdict: Flagged) -> None:
        """Count one flagged verdict, once, by value of every dimension too."""
        if not self.add(series, minute, offset=offset, flagged=True, blocked=verdict.state == "blocked"):
            return
        key = (minute, series)
        parts = self._totals[key].parts
        for dimension, value in zip(DIMENSIONS, _values(verdict), strict=True):
            if value is not None:
                tally(parts.setdefault(dimension, {}), value)
        self._grown.add(key)

    def chunk(
        self, clean: Sequence[Clean], flagged: Sequence[tuple[int, Slot, Flagged]], *, first: int, last: int
    ) -> None:
        """Count a chunk of the log, offsets `first` to `last`: clean verdicts, and flagged ones by value; each once."""
        if first <= self._applied:
            self._chunk_again(clean, flagged)
            return
        for offset, (minute, series), verdict in flagged:
            self.flag(series, minute, offset=offset, verdict=verdict)
        for slot, times in Counter([slot for _, slot in clean]).items():
            total = self._totals.get(slot) or self._new(slot, Total())
            total.evaluated += times
            total.applied = last
            self._dirty.add(slot)
        self._applied = last

    def _chunk_again(self, clean: Sequence[Clean], flagged: Sequence[tuple[int, Slot, Flagged]]) -> None:
        """Count a chunk of which some may be counted already, in the order of the log."""
        verdicts = {offset: verdict for offset, _, verdict in flagged}
        slots = [*clean, *((offset, slot) for offset, slot, _ in flagged)]
        for offset, (minute, series) in sorted(slots, key=itemgetter(0)):
            if offset in verdicts:
                self.flag(series, minute, offset=offset, verdict=verdicts[offset])
            else:
                self.add(series, minute, offset=offset)

    def forget_before(self, minute: int) -> None:
        """Drop minutes that no event can change any more."""
        if len(self._sums) > _MOST_NAMES or len(self._places) > _MOST_NAMES:
            self._sums.clear()
            self._places.clear()
        for old in [one for one in self._minutes if one < minute]:
            for series in self._minutes.pop(old):
                key = (old, series)
                del self._totals[key]
                self._dirty.discard(key)
                self._grown.discard(key)
                self._forgotten.append(key)

    def published(self, source: int) -> Iterator[SeriesCount]:
        """The totals that changed since the last flush, oldest first: a reader never sees a step before its past.

        What a total consists of is told again when more was flagged.
        """
        changed: dict[int, list[str]] = {}
        for minute, series in sorted(self._dirty):
            changed.setdefault(minute, []).append(series)
        for minute, names in changed.items():
            yield from self._summed(minute, names, source)

    def _summed(self, minute: int, changed: list[str], source: int) -> Iterator[SeriesCount]:
        """The series that changed and the sums that they are part of; a level adds up the one before it."""
        below: dict[str, Sum] = {}
        for name in self._minutes[minute]:
            below.setdefault(self._place(name).series, Sum()).add(Sum.of(self._totals[minute, name]))
        touched = {self._place(name).series for name in changed}
        grown = {self._place(name).series for name in changed if (minute, name) in self._grown}
        yield from told(minute, source, below, touched=touched, grown=grown)
        for level in range(len(self._hierarchy)):
            sums: dict[str, Sum] = {}
            for series, part in below.items():
                sums.setdefault(self._sum_of(series, level), Sum()).take(series, part)
            touched, grown = ({self._sum_of(series, level) for series in names} for names in (touched, grown))
            yield from told(minute, source, sums, touched=touched, grown=grown)
            below = sums

    def tallied(self, source: int) -> Iterator[Tally]:
        """Verdicts and blocks per filter and version, and verdicts per tenant, provider and in all, where changed."""
        changed: dict[int, set[tuple[str, str]]] = {}
        for minute, name in self._dirty:
            changed.setdefault(minute, set()).update(self._place(name).tallies)
        for minute, touched in sorted(changed.items()):
            sums: dict[tuple[str, str], list[int]] = {slot: [0, 0] for slot in touched}
            for name in self._minutes[minute]:
                total = self._totals[minute, name]
                for slot in touched.intersection(self._place(name).tallies):
                    sums[slot][0] += total.evaluated
                    sums[slot][1] += total.blocked
            for (kind, key), (evaluated, blocked) in sorted(sums.items()):
                counts = (evaluated, blocked, 0) if kind == "filter" else (evaluated,)
                yield Tally(kind, key, minute, source, counts)

    def _place(self, name: str) -> "Place":
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = Place.of(name)
        return place

    def _sum_of(self, series: str, level: int) -> str:
        """The sum that a series, or a sum of the level before, is part of."""
        known = self._sums.get(series)
        if known is None:
            key = SeriesKey.parse(series)
            known = self._sums[series] = tuple(str(key.summed_to(kept)) for kept in self._hierarchy)
        return known[level]

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records of the changed and the forgotten totals; clears the marks."""
        encode = msgspec.msgpack.encode
        records: list[tuple[bytes, bytes | None]] = [
            (_state_key(key), encode(self._totals[key])) for key in sorted(self._dirty)
        ]
        records.extend((_state_key(key), None) for key in self._forgotten)
        self._dirty.clear()
        self._grown.clear()
        self._forgotten.clear()
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one state record back."""
        minute, series = key.decode().split("|", 1)
        slot = (int(minute), series)
        if value is not None:
            total = self._new(slot, msgspec.msgpack.decode(value, type=Total))
            self._applied = max(self._applied, total.applied)
        elif self._totals.pop(slot, None) is not None:
            self._minutes[slot[0]].remove(series)

    def _new(self, key: tuple[int, str], total: Total) -> Total:
        if key not in self._totals:
            self._minutes.setdefault(key[0], []).append(key[1])
        self._totals[key] = total
        return total


def _values(verdict: Flagged) -> tuple[str | None, ...]:
    """The verdict's value of every one of `DIMENSIONS`."""
    version = f"{verdict.filter}@{verdict.filter_version}" if verdict.filter_version else verdict.filter
    return (
        verdict.subject,
        verdict.api_key,
        verdict.prompt_hash,
        verdict.language,
        version,
        verdict.release,
    )


def _state_key(key: tuple[int, str]) -> bytes:
    return f"c|{key[0]}|{key[1]}".encode()
