"""Rows of figures: shown as a table, kept as JSON between runs, so that plots and pages need no new measurement."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Self

import msgspec
from rich.table import Table

from bench.scale.errors import NothingMeasured

Cell = str | int | float | None
Row = dict[str, Cell]
"""Column → figure; the unit is in the column's name."""

SAVED = Path(__file__).parents[2] / ".cache" / "bench" / "scale"


class Results(msgspec.Struct, frozen=True):
    """What one measurement found; every row has the same columns."""

    name: str
    title: str
    machine: str
    rows: tuple[Row, ...]

    def save(self, folder: Path = SAVED) -> Path:
        """Write them as JSON, and as a table of Markdown beside it, over the last ones of this name."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")
        path.with_suffix(".md").write_text(self.markdown(), "utf-8")
        return path

    @classmethod
    def load(cls, name: str, folder: Path = SAVED) -> Self:
        """Those saved last. Raises NothingMeasured."""
        path = folder / f"{name}.json"
        if not path.exists():
            raise NothingMeasured(name)
        return msgspec.json.decode(path.read_bytes(), type=cls)

    def markdown(self) -> str:
        """For the pages in docs/."""
        first: Row = self.rows[0] if self.rows else {}
        rule = ("---" if isinstance(cell, str) else "---:" for cell in first.values())
        lines = [first, rule, *(map(shown, row.values()) for row in self.rows)]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def table(self) -> Table:
        """For people."""
        table = Table(title=self.title, caption=self.machine)
        for column in self.rows[0] if self.rows else ():
            table.add_column(column, justify="left" if isinstance(self.rows[0][column], str) else "right")
        for row in self.rows:
            table.add_row(*map(shown, row.values()))
        return table


def shown(cell: Cell) -> str:
    """A figure with as many digits as it is worth."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return cell if isinstance(cell, str) else f"{cell:,}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share (0..1] of the values do not exceed. Raises ValueError for none."""
    if not values or not 0 < share <= 1:
        raise ValueError("percentile needs values, and a share above 0 and up to 1")
    return sorted(values)[ceil(share * len(values)) - 1]
