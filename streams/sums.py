"""Totals added up: of the counts of a series, of the series of a sum; and where a count belongs. It keeps nothing."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from events.topics import FILTER_VERDICTS
from streams.detectors.attribution import SERIES, Parts, merged
from streams.series import SeriesCount

_WITH_FILTER = 7
"""Parts of a name that says which filter judged."""


class Total(msgspec.Struct, array_like=True, gc=False):
    """Counts of one series in one minute, up to and including offset `applied`."""

    evaluated: int = 0
    flagged: int = 0
    blocked: int = 0
    applied: int = -1
    parts: dict[str, dict[str, int]] = {}
    """Dimension → value → flagged; the most frequent values only, the others under `…`."""


class Sum(msgspec.Struct, gc=False):
    """Totals added up, and what they consist of."""

    evaluated: int = 0
    flagged: int = 0
    blocked: int = 0
    parts: list[Parts] = []
    children: dict[str, int] = {}

    @classmethod
    def of(cls, total: Total) -> "Sum":
        """A sum of one."""
        return cls(total.evaluated, total.flagged, total.blocked, [total.parts] if total.parts else [])

    def add(self, part: "Sum") -> None:
        """Add another count of the same series."""
        self.evaluated += part.evaluated
        self.flagged += part.flagged
        self.blocked += part.blocked
        self.parts += part.parts

    def take(self, child: str, part: "Sum") -> None:
        """Add a series, and remember by its name what it flagged."""
        self.add(part)
        if part.flagged:
            self.children[child] = part.flagged

    def consists_of(self) -> dict[str, dict[str, int]]:
        """Dimension → value → flagged; for a sum of series these are a dimension too."""
        return merged([*self.parts, {SERIES: self.children}] if self.children else self.parts)


class Place(NamedTuple):
    """Where a count belongs: its series, and the tallies that it is part of."""

    series: str
    tallies: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, name: str) -> "Place":
        """The place of `<series>|<filter>|<version>`, or of a series alone."""
        parts = name.split("|")
        if len(parts) < _WITH_FILTER:
            return cls(name, ())
        tenant, _, provider, category, _, filter_name, version = parts
        return cls(
            name.rsplit("|", 2)[0],
            (
                ("filter", f"{tenant}|{filter_name}|{category}|{version}"),
                ("activity", f"activity|{tenant}"),
                ("activity", f"activity|{tenant}|{provider}"),
                ("activity", f"activity||{FILTER_VERDICTS.name}"),
            ),
        )


def told(
    minute: int, source: int, sums: dict[str, Sum], *, touched: set[str], grown: set[str]
) -> Iterator[SeriesCount]:
    """The sums named by `touched`; what they consist of is told again for those that have `grown`."""
    for name in sorted(touched):
        total = sums[name]
        parts = total.consists_of() if name in grown else {}
        yield SeriesCount(name, minute, source, total.evaluated, total.flagged, total.blocked, parts)
