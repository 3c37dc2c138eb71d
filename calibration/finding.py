"""One measured number beside what it should be; it computes neither."""

from math import inf
from typing import NamedTuple


class Finding(NamedTuple):
    """One line of the calibration's table."""

    table: str
    """The table that it belongs to, e.g. `power of repeat-offender methods`."""
    case: str
    """Row and column, e.g. `turned .005 to .3 · Gamma-Poisson · days`."""
    measured: float
    """What the simulation gave."""
    expected: float | None = None
    """What was published or computed exactly; null: shown for comparison only."""
    low: float = -inf
    """The least that holds."""
    high: float = inf
    """The most that holds."""

    @property
    def holds(self) -> bool:
        """Whether the measured number is within its bounds."""
        return self.low <= self.measured <= self.high


def within(table: str, case: str, *, measured: float, expected: float, tolerance: float = 0.15) -> Finding:
    """A finding that holds within `tolerance` (relative) of what is expected.

    >>> within("t", "c", measured=1.1, expected=1.0).holds
    True
    """
    margin = abs(expected) * tolerance
    return Finding(table, case, measured, expected, expected - margin, expected + margin)
