"""What explains a rise: counts per value of a few dimensions, before it and in it. It finds no rise itself."""

from collections.abc import Iterable, Mapping
from heapq import nlargest
from math import exp2
from operator import itemgetter
from zlib import crc32

import msgspec

from alerts.signal import Attribution, Contribution

DIMENSIONS = ("subject", "api_key", "prompt_hash", "language", "filter_version", "release")
"""What flagged verdicts are counted by; sums are counted by `SERIES` too."""
SERIES = "series"
REST = "…"
"""Where values beyond the most frequent ones are counted."""
VALUES = 8
"""Values of one dimension that are told apart at the same time."""
_ROWS = 3
"""Rows of one dimension in a table."""
PERSONAL = frozenset({"subject", "api_key", "prompt_hash"})
"""One value of these dimensions makes a campaign."""

Parts = Mapping[str, Mapping[str, int]]
"""Dimension → value → count."""


class Former(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Decayed counts before a rise; the most frequent values only, by checksum, since no row names them alone."""

    at: int = 0
    """When they were last decayed, epoch seconds."""
    total: float = 0.0
    parts: dict[str, dict[int, float]] = {}
    """Dimension → crc32 of the value → count."""

    def share(self, dimension: str, value: str) -> float:
        """The value's share of all counts, 0..1."""
        count = self.parts.get(dimension, {}).get(_checksum(value), 0.0)
        return min(1.0, count / self.total) if self.total > 0.0 else 0.0


def tally(counts: dict[str, int], value: str) -> None:
    """Count a value in place. When there are too many, the rarest gives way, and its count goes to the rest.

    So a newcomer that keeps coming wins a place from values that do not, and the sum stays exact.
    """
    if value not in counts and value != REST and len(counts) - (REST in counts) >= VALUES:
        rarest = min((one for one in counts if one != REST), key=counts.__getitem__)
        counts[REST] = counts.get(REST, 0) + counts.pop(rarest)
    counts[value] = counts.get(value, 0) + 1


def merged(many: Iterable[Parts]) -> dict[str, dict[str, int]]:
    """The sum of several counts, in whatever order they come; changes none of them."""
    whole: dict[str, dict[str, int]] = {}
    for parts in many:
        for dimension, counts in parts.items():
            into = whole.get(dimension)
            if into is None:
                whole[dimension] = dict(counts)
            else:
                for value, count in counts.items():
                    into[value] = into.get(value, 0) + count
    return {dimension: _most_frequent(counts) for dimension, counts in whole.items()}


def _most_frequent(counts: dict[str, int]) -> dict[str, int]:
    if len(counts) - (REST in counts) <= VALUES:
        return counts
    rest = counts.pop(REST, 0)
    most = dict(nlargest(VALUES, counts.items(), key=itemgetter(1, 0)))
    return {**most, REST: rest + sum(counts.values()) - sum(most.values())}


def absorbed(former: Former, parts: Parts, count: int, *, at: int, half_life: float) -> Former:
    """The former counts with those of a time that was no rise; `count` is all that was counted in it."""
    kept = exp2(-(at - former.at) / half_life)
    whole = {dimension: {key: n * kept for key, n in counts.items()} for dimension, counts in former.parts.items()}
    for dimension, counts in parts.items():
        into = whole.setdefault(dimension, {})
        for value, n in counts.items():
            if value != REST:
                _tally_former(into, _checksum(value), float(n))
    return Former(at, former.total * kept + count, whole)


def _tally_former(counts: dict[int, float], key: int, times: float) -> None:
    if key not in counts and len(counts) >= VALUES:
        del counts[min(counts, key=counts.__getitem__)]
    counts[key] = counts.get(key, 0.0) + times


def attribution(
    parts: Parts, former: Former, *, seen: int, expected: float, campaign_share: float
) -> Attribution | None:
    """Who or what explains that `seen` came where `expected` should have; None where nothing was counted by value."""
    excess = seen - expected
    if not parts or excess <= 0.0:
        return None
    rows: list[Contribution] = []
    for dimension, counts in parts.items():
        usual = {value: former.share(dimension, value) * expected for value in counts if value != REST}
        told = [
            Contribution(
                dimension=dimension, value=value, seen=counts[value], expected=one, share=(counts[value] - one) / excess
            )
            for value, one in usual.items()
        ]
        rows += sorted(told, key=_by_share)[:_ROWS]
    campaign = any(_is_campaign(row, expected, campaign_share) for row in rows)
    return Attribution(kind="campaign" if campaign else "broad", rows=tuple(sorted(rows, key=_by_share)))


def _is_campaign(row: Contribution, expected: float, share: float) -> bool:
    """One subject, key or prompt explains it, and is not simply what nearly everything came from before."""
    return row.dimension in PERSONAL and row.share >= share and row.expected < share * expected


def _by_share(row: Contribution) -> tuple[float, str, str]:
    return -row.share, row.dimension, row.value


def explained_by_child(found: Attribution, former: Former, *, share: float) -> bool:
    """Whether one series of a sum explains its excess, so that its own detector sees the rise better.

    It must have shown something before, else it may be too new to be judged, or be all that the sum ever was.
    """
    rows = [row for row in found.rows if row.dimension == SERIES]
    alone = len(rows) == 1 and set(former.parts.get(SERIES, {})) <= {_checksum(rows[0].value)}
    return any(row.share >= share and (row.expected > 0.0 or alone) for row in rows)


def _checksum(value: str) -> int:
    return crc32(value.encode())
