"""Running totals per series and minute of one source partition: grow-only counters with the offset they stand at.

Sums over several series are not counted, but added up when they are published.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Protocol

import msgspec

from streams.detectors.attribution import DIMENSIONS, tally
from streams.intake import Chunk
from streams.series import SeriesCount, Tally
from streams.sums import Hierarchy, Minute, Place, Total, told

_MOST_NAMES = 10_000


_UNCOUNTED = frozenset({"not_evaluated", "filter_error"})
_FLAGGED = frozenset({"detected", "blocked", "masked"})

Slot = tuple[int, str]
"""A minute, and the name of what is counted in it."""
_KIND = attrgetter("tenant", "model", "provider", "provider_category", "stage", "filter", "filter_version", "state")
"""What verdicts that count the same have in common, but for the minute."""


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

    def __init__(self, hierarchy: Hierarchy = ()) -> None:
        self._hierarchy = hierarchy
        self._totals: dict[tuple[int, str], Total] = {}
        self._minutes: dict[int, Minute] = {}
        self._places: dict[str, Place] = {}
        self._dirty: set[tuple[int, str]] = set()
        self._behind: set[tuple[int, str]] = set()
        """What is not added up yet."""
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
        self._behind.add(key)
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

    def chunk(self, verdicts: Chunk) -> None:
        """Count a chunk of the log, each verdict once: clean ones by their number, flagged ones by value."""
        if verdicts.offsets[0] <= self._applied:
            self._one_by_one(verdicts)
            return
        for offset, at, verdict in zip(*verdicts, strict=True):
            if verdict.state in _FLAGGED:
                self.flag(_name(_KIND(verdict)), int(at // 60), offset=offset, verdict=verdict)
        last = verdicts.offsets[-1]
        for minute, events in _by_minute(verdicts):
            for kind, times in Counter(map(_KIND, events)).items():
                if kind[-1] not in _FLAGGED and kind[-1] not in _UNCOUNTED:
                    self._evaluated((minute, _name(kind)), times, last)
        self._applied = last

    def _evaluated(self, slot: Slot, times: int, last: int) -> None:
        total = self._totals.get(slot) or self._new(slot, Total())
        total.evaluated += times
        total.applied = last
        self._dirty.add(slot)
        self._behind.add(slot)

    def _one_by_one(self, verdicts: Chunk) -> None:
        """Some of the chunk may be counted already."""
        for offset, at, verdict in zip(*verdicts, strict=True):
            name, minute = _name(_KIND(verdict)), int(at // 60)
            if verdict.state in _FLAGGED:
                self.flag(name, minute, offset=offset, verdict=verdict)
            elif verdict.state not in _UNCOUNTED:
                self.add(name, minute, offset=offset)

    def forget_before(self, minute: int) -> None:
        """Drop minutes that no event can change any more."""
        if len(self._places) > _MOST_NAMES:
            self._places.clear()
        for old in [one for one in self._minutes if one < minute]:
            for series in self._minutes.pop(old).names:
                key = (old, series)
                del self._totals[key]
                self._dirty.discard(key)
                self._behind.discard(key)
                self._grown.discard(key)
                self._forgotten.append(key)

    def published(self, source: int) -> Iterator[SeriesCount]:
        """The totals that changed since the last flush, oldest first: a reader never sees a step before its past.

        What a total consists of is told again when more was flagged.
        """
        self._add_up()
        for minute, names in self._changed():
            grown = [self._place(name).sums for name in names if (minute, name) in self._grown]
            touched = [self._place(name).sums for name in names]
            for level, sums in enumerate(self._minutes[minute].levels):
                yield from told(
                    minute,
                    source,
                    sums,
                    touched={place[level] for place in touched},
                    grown={place[level] for place in grown},
                )

    def tallied(self, source: int) -> Iterator[Tally]:
        """Verdicts and blocks per filter and version, and verdicts per tenant, provider and in all, where changed."""
        self._add_up()
        for minute, names in self._changed():
            tallies = self._minutes[minute].tallies
            for slot in sorted({slot for name in names for slot in self._place(name).tallies}):
                kind, key = slot
                evaluated, blocked = tallies[slot]
                yield Tally(kind, key, minute, source, (evaluated, blocked, 0) if kind == "filter" else (evaluated,))

    def _add_up(self) -> None:
        """Only what has changed is looked at, however many series there are."""
        for minute, name in self._behind:
            self._minutes[minute].take(name, self._totals[minute, name], place=self._place(name))
        self._behind.clear()

    def _changed(self) -> list[tuple[int, list[str]]]:
        names: dict[int, list[str]] = {}
        for minute, name in sorted(self._dirty):
            names.setdefault(minute, []).append(name)
        return list(names.items())

    def _place(self, name: str) -> Place:
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = Place.of(name, self._hierarchy)
        return place

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
            self._behind.add(slot)
        elif self._totals.pop(slot, None) is not None:
            self._minutes[slot[0]].names.remove(series)
            self._behind.discard(slot)

    def _new(self, key: tuple[int, str], total: Total) -> Total:
        if key not in self._totals:
            if key[0] not in self._minutes:
                self._minutes[key[0]] = Minute(len(self._hierarchy) + 1)
            self._minutes[key[0]].names.append(key[1])
        self._totals[key] = total
        return total


def _name(kind: tuple[Any, ...]) -> str:
    tenant, model, provider, category, stage, filter_name, version, _ = kind
    return f"{tenant}|{model}|{provider}|{category}|{stage}|{filter_name}|{version or ''}"


def _by_minute(verdicts: Chunk) -> Iterable[tuple[int, Sequence[Any]]]:
    first, last = int(min(verdicts.ats) // 60), int(max(verdicts.ats) // 60)
    if first == last:
        return [(first, verdicts.events)]
    minutes: dict[int, list[Any]] = {}
    for at, verdict in zip(verdicts.ats, verdicts.events, strict=True):
        minutes.setdefault(int(at // 60), []).append(verdict)
    return minutes.items()


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
