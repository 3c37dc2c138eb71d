"""Totals added up: of the counts of a series, of the series of a sum; and where a count belongs. It stores nothing."""

from collections.abc import Iterator
from operator import sub
from typing import NamedTuple

import msgspec

from events.keys import SeriesKey
from events.topics import FILTER_VERDICTS
from streams.detectors.attribution import SERIES, Parts, merged
from streams.series import SeriesCount

_WITH_FILTER = 7
"""Parts of a name that says which filter judged."""

Hierarchy = tuple[tuple[str, ...], ...]
"""The parts of the series key that each level of sums keeps."""


class Total(msgspec.Struct, array_like=True, gc=False):
    """Counts of one series in one minute, up to and including offset `applied`."""

    evaluated: int = 0
    flagged: int = 0
    blocked: int = 0
    applied: int = -1
    parts: dict[str, dict[str, int]] = {}
    """Dimension → value → flagged; the most frequent values only, the others under `…`."""


class Sum(msgspec.Struct, gc=False):
    """Totals added up, and those of them that something was flagged in."""

    evaluated: int = 0
    flagged: int = 0
    blocked: int = 0
    flagging: list[Total] = []
    children: dict[str, int] = {}
    """Name of a sum of the level below → flagged; empty for a series."""

    def consists_of(self) -> dict[str, dict[str, int]]:
        """Dimension → value → flagged; for a sum of series these are a dimension too."""
        parts: list[Parts] = [total.parts for total in self.flagging]
        return merged([*parts, {SERIES: self.children}] if self.children else parts)


class Place(NamedTuple):
    """Where a count belongs: its series and the sums of series that it is part of, and its tallies."""

    sums: tuple[str, ...]
    """The series, then the sum of each level."""
    tallies: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, name: str, hierarchy: Hierarchy) -> "Place":
        """The place of `<series>|<filter>|<version>`, or of a series alone."""
        parts = name.split("|")
        if len(parts) < _WITH_FILTER:
            return cls(_sums(name, hierarchy), ())
        tenant, _, provider, category, _, filter_name, version = parts
        return cls(
            _sums(name.rsplit("|", 2)[0], hierarchy),
            (
                ("filter", f"{tenant}|{filter_name}|{category}|{version}"),
                ("activity", f"activity|{tenant}"),
                ("activity", f"activity|{tenant}|{provider}"),
                ("activity", f"activity||{FILTER_VERDICTS.name}"),
            ),
        )


def _sums(series: str, hierarchy: Hierarchy) -> tuple[str, ...]:
    key = SeriesKey.parse(series) if hierarchy else None
    return series, *(str(key.summed_to(kept)) for kept in hierarchy if key)


class Minute:
    """The totals of one minute, and what they add up to so far."""

    def __init__(self, levels: int) -> None:
        self.names: list[str] = []
        self.levels: tuple[dict[str, Sum], ...] = tuple({} for _ in range(levels))
        self.tallies: dict[tuple[str, str], list[int]] = {}
        """Evaluated and blocked."""
        self._taken: dict[str, tuple[int, int, int]] = {}

    def take(self, name: str, total: Total, *, place: Place) -> None:
        """Add what a total has grown by since it was last taken."""
        before = self._taken.get(name, (0, 0, 0))
        after = self._taken[name] = (total.evaluated, total.flagged, total.blocked)
        evaluated, flagged, blocked = map(sub, after, before)
        child = None
        for sums, key in zip(self.levels, place.sums, strict=True):
            whole = sums.get(key)
            if whole is None:
                whole = sums[key] = Sum()
            whole.evaluated += evaluated
            whole.flagged += flagged
            whole.blocked += blocked
            if flagged and not before[1]:
                whole.flagging.append(total)
            if flagged and child:
                whole.children[child] = whole.children.get(child, 0) + flagged
            child = key
        for slot in place.tallies:
            counts = self.tallies.setdefault(slot, [0, 0])
            counts[0] += evaluated
            counts[1] += blocked


def told(
    minute: int, source: int, sums: dict[str, Sum], *, touched: set[str], grown: set[str]
) -> Iterator[SeriesCount]:
    """The sums named by `touched`; what they consist of is told again for those that have `grown`."""
    for name in sorted(touched):
        total = sums[name]
        parts = total.consists_of() if name in grown else {}
        yield SeriesCount(name, minute, source, total.evaluated, total.flagged, total.blocked, parts)
