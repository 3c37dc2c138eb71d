"""Simulated hourly counts of flagged content, quiet and with a rise; it knows no detector.

Series differ in level, daily amplitude, phase and weekend; counts are negative binomial. Hours count from a Monday.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import i0

from streams.detectors.harmonic_baseline import fit_many, forecast_many

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

SERIES = 200
DAY, WEEK = 24, 168
HISTORY, MONITORED = 8 * WEEK, 4 * WEEK
"""Hours."""
SIZE = 15.0
"""True negative-binomial size: var = mean + mean² / size."""
_MONDAY = 4 * DAY
"""Hours since the epoch at hour 0."""
_LEVELS = (0.05, 50.0)
"""Mean per hour of weekdays, log-uniform."""
_AMPLITUDES = (0.5, 1.2)
"""Of ln mean over the day."""
_WEEKENDS = (0.5, 0.9)
"""Share of the weekday's mean."""


class Rise(NamedTuple):
    """A rise of the mean that the methods should find."""

    name: str
    multipliers: tuple[float, ...]
    """One per hour."""

    @property
    def hours(self) -> int:
        """How long it lasts."""
        return len(self.multipliers)


RISES = (
    Rise("x4 for 6 h", (4.0,) * 6),
    Rise("x2 for 12 h", (2.0,) * 12),
    Rise("x1.4 for 72 h", (1.4,) * 72),
    Rise("ramp to x3 in 48 h", tuple(1.0 + hour / 24.0 for hour in range(1, 49))),
)


class Fleet(NamedTuple):
    """Series by row, hours by column: history, then the monitored weeks."""

    levels: Floats
    means: Floats
    counts: Counts

    @classmethod
    def drawn(cls, rng: Generator, hours: int = HISTORY + MONITORED) -> "Fleet":
        """A quiet fleet."""
        low, high = np.log(_LEVELS)
        levels = np.exp(rng.uniform(low, high, SERIES))
        hour = np.arange(hours)
        phase = rng.uniform(0.0, DAY, (SERIES, 1))
        amplitude = rng.uniform(*_AMPLITUDES, (SERIES, 1))
        daily = np.exp(amplitude * np.sin(2.0 * np.pi * (hour - phase) / DAY)) / i0(amplitude)
        weekend = np.where(hour % WEEK >= 5 * DAY, rng.uniform(*_WEEKENDS, (SERIES, 1)), 1.0)
        means = levels[:, np.newaxis] * daily * weekend
        return cls(levels, means, _counts(rng, means))

    def with_rise(self, rng: Generator, rise: Rise) -> tuple["Fleet", Counts]:
        """The fleet where each series rises once in the monitored weeks, and the monitored hour in which it begins."""
        starts = rng.integers(DAY, MONITORED - DAY - rise.hours, SERIES)
        columns = HISTORY + starts[:, np.newaxis] + np.arange(rise.hours)
        rows = np.arange(SERIES)[:, np.newaxis]
        counts = self.counts.copy()
        counts[rows, columns] = _counts(rng, self.means[rows, columns] * np.array(rise.multipliers))
        return self._replace(counts=counts), starts


class Forecast(NamedTuple):
    """What a baseline fitted to the history expects of the monitored hours."""

    means: Floats
    sizes: Floats
    """Predictive sizes: the error of the mean is in them."""

    @classmethod
    def of(cls, counts: Counts, hours: int = MONITORED) -> "Forecast":
        """From the history, `HISTORY` hours of each series, for the `hours` after it."""
        fits = fit_many(counts[:, :HISTORY], _MONDAY)
        means, errors = forecast_many(fits, _MONDAY + HISTORY, hours)
        return cls(means, 1.0 / (1.0 / fits.sizes[:, np.newaxis] + errors**2))


def _counts(rng: Generator, means: Floats) -> Counts:
    return rng.poisson(means * rng.gamma(SIZE, 1.0 / SIZE, means.shape))
