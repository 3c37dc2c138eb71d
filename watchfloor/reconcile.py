"""Compares what was sent with raw rows and rollups in ClickHouse, per tenant, minute, category and state."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from traffic.truth import MinuteCount
from watchfloor.client import Client

_CHUNK = timedelta(hours=6)
_KEYS = "tenant, minute, category, state"


class Cell(NamedTuple):
    """What is counted together."""

    tenant: str
    minute: str
    category: str
    state: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The three counts side by side."""

    sent: Counter[Cell]
    raw: Counter[Cell]
    rolled: Counter[Cell]

    @classmethod
    def of(cls, *counts: Iterable[tuple[Cell, int]]) -> Self:
        """From pairs of cell and count: sent, raw, rolled."""
        sent, raw, rolled = (Counter(dict(one)) for one in counts)
        return cls(sent, raw, rolled)

    @property
    def differences(self) -> list[tuple[Cell, int, int, int]]:
        """Cells in which the three are not equal: sent, raw, rolled."""
        cells = sorted(self.sent | self.raw | self.rolled)
        return [
            (cell, self.sent[cell], self.raw[cell], self.rolled[cell])
            for cell in cells
            if not self.sent[cell] == self.raw[cell] == self.rolled[cell]
        ]

    def summary(self) -> str:
        """One line with the totals."""
        totals = (self.sent.total(), self.raw.total(), self.rolled.total())
        return (
            f"{len(self.sent):,} cells: sent {totals[0]:,}, raw {totals[1]:,}, rollup {totals[2]:,}; "
            f"{len(self.differences):,} differ"
        )


async def reconcile(client: Client, sent: Iterable[MinuteCount]) -> Reconciliation:
    """Ask for the time that `sent` covers. Other traffic in the same time shows as differences."""
    expected: Counter[Cell] = Counter()
    for one in sent:
        expected[Cell(one.tenant, f"{one.minute:%Y-%m-%d %H:%M}", one.category, one.state)] += one.count
    minutes = [datetime.strptime(cell.minute + "+0000", "%Y-%m-%d %H:%M%z") for cell in expected]
    raw, rolled = Counter[Cell](), Counter[Cell]()
    start, end = min(minutes), max(minutes)
    while start <= end:
        stop = start + _CHUNK
        raw += await _count(client, _RAW, start, stop)
        rolled += await _count(client, _ROLLED, start, stop)
        start = stop
    return Reconciliation(expected, raw, rolled)


_RAW = (
    f"SELECT {_KEYS}, count() AS verdicts FROM (SELECT *, toStartOfMinute(at, 'UTC') AS minute FROM filter_verdicts "  # noqa: S608  constants only
    "WHERE at >= {from:DateTime('UTC')} AND at < {to:DateTime('UTC')}) GROUP BY " + _KEYS
)
_ROLLED = (
    f"SELECT {_KEYS}, sum(verdicts) AS verdicts FROM verdicts_by_minute "  # noqa: S608  constants only
    "WHERE minute >= {from:DateTime('UTC')} AND minute < {to:DateTime('UTC')} GROUP BY " + _KEYS
)


async def _count(client: Client, query: str, start: datetime, stop: datetime) -> Counter[Cell]:
    bounds = {"param_from": f"{start:%Y-%m-%d %H:%M:%S}", "param_to": f"{stop:%Y-%m-%d %H:%M:%S}"}
    rows = await client.sql(query, bounds)
    return Counter(
        {Cell(row["tenant"], row["minute"][:16], row["category"], row["state"]): int(row["verdicts"]) for row in rows}
    )
