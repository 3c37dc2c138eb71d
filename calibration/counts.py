"""Run lengths of CUSUMs of counts, exact and simulated; what the detectors do with counts of their own is elsewhere."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.stats import nbinom, poisson

from calibration.bernoulli_exact import run_length
from calibration.finding import Finding
from calibration.first_passage import mean_and_error
from streams.detectors.negative_binomial import log_ratio

Floats = NDArray[np.float64]


class PoissonChart(NamedTuple):
    """max(0, S + X - reference) until at least `height`."""

    in_control: float
    reference: str
    """A decimal number."""
    height: int
    lengths: tuple[tuple[float, float], ...]
    """Mean of X, and the mean run length to two digits."""

    def exact(self, mean: float, *, start: int = 0) -> float:
        """By a chain on the lattice of the reference value, from a head start."""
        reference = Fraction(self.reference)
        parts, counts = reference.denominator, np.arange(200)
        steps = (counts * parts - reference.numerator).tolist()
        chances = poisson.pmf(counts, mean).tolist()
        return run_length(steps, chances, height=self.height * parts, start=start * parts)

    def simulated(self, rng: Generator, mean: float) -> Floats:
        """Run lengths."""
        reference = float(self.reference)
        return _runs(lambda users: rng.poisson(mean, users) - reference, float(self.height))


POISSON = (
    PoissonChart(1, "1.5", 4, ((1, 121.95), (1.5, 18.16), (2, 7.51), (3, 3.37))),
    PoissonChart(1, "1.5", 5, ((1, 273.65), (1.5, 25.73), (2, 9.44), (3, 4.03))),
    PoissonChart(1, "1.5", 7, ((1, 1309.38), (1.5, 44.89), (2, 13.39), (3, 5.36))),
    PoissonChart(0.5, "0.75", 5, ((0.5, 428.05), (1, 17.47), (1.5, 7.42))),
    PoissonChart(4, "5.5", 10, ((4, 2068.42), (5, 75.37), (5.5, 28.49), (7, 7.20), (8, 4.72))),
    PoissonChart(4, "5.5", 12, ((4, 6988.89), (5, 121.90), (5.5, 38.30), (7, 8.53), (8, 5.52))),
    PoissonChart(10, "12", 20, ((10, 5881.28), (12, 46.45), (15, 7.31), (20, 3.08))),
)
NEGATIVE_BINOMIAL = ((10.0, 1346.5), (20.0, 10.398))
"""Mean of X, and the mean run length of the CUSUM for 20 against 10, from a grid of 2000 states."""
SIZE, NATS = 2.0, 5.0
"""var = mean + mean² / 2; the CUSUM's height."""
_POISSON = "Poisson CUSUM: mean run length, exact, and simulated within 3 s.e. of it"
_NEGATIVE = "negative-binomial CUSUM, 20 against 10: the same"
_USERS = 2000
_LONGEST = 2500.0
"""Mean run length up to which a cell is simulated."""


def counts() -> Iterator[Finding]:
    """Both tables."""
    rng = np.random.default_rng(20240304)
    for chart in POISSON:
        for mean, expected in chart.lengths:
            case = f"mean {chart.in_control:g}, k={chart.reference}, h={chart.height} · {mean:g}"
            exact = chart.exact(mean)
            yield Finding(_POISSON, case, exact, expected, expected - 0.0051, expected + 0.0051)
            if exact <= _LONGEST:
                yield _agrees(_POISSON, case, chart.simulated(rng, mean), exact)
    for mean, expected in NEGATIVE_BINOMIAL:
        case, exact = f"mean {mean:g}", negative_binomial_length(mean)
        yield Finding(_NEGATIVE, case, exact, expected, 0.998 * expected, 1.002 * expected)
        yield _agrees(_NEGATIVE, case, _negative_binomial_runs(rng, mean), exact)


def negative_binomial_length(mean: float) -> float:
    """Exact to four digits: the reference value is taken as 822/59 counts, so that there is no grid error."""
    slope, offset = _ratio()
    reference = Fraction(-offset / slope).limit_denominator(75)
    parts, numbers = reference.denominator, np.arange(2000)
    chances = nbinom.pmf(numbers, SIZE, SIZE / (SIZE + mean)).tolist()
    steps = (numbers * parts - reference.numerator).tolist()
    return run_length(steps, chances, height=round(NATS / slope * parts))


def _negative_binomial_runs(rng: Generator, mean: float) -> Floats:
    slope, offset = _ratio()
    share = SIZE / (SIZE + mean)
    return _runs(lambda users: slope * rng.negative_binomial(SIZE, share, users) + offset, NATS)


def _ratio() -> tuple[float, float]:
    """Per count and without any, by the detector's own formula, which is linear in the count."""
    offset = log_ratio(0, 10.0, size=SIZE, multiplier=2.0)
    return log_ratio(1, 10.0, size=SIZE, multiplier=2.0) - offset, offset


def _runs(steps: Callable[[int], NDArray[np.floating[Any]]], height: float) -> Floats:
    lengths: Floats = np.zeros(_USERS)
    still, sums = np.arange(_USERS), np.zeros(_USERS)
    while still.size:
        sums = np.maximum(sums + steps(still.size), 0.0)
        lengths[still] += 1.0
        below = sums < height - 1e-9
        still, sums = still[below], sums[below]
    return lengths


def _agrees(table: str, case: str, lengths: Floats, exact: float) -> Finding:
    mean, error = mean_and_error(lengths)
    return Finding(table, f"{case}, simulated", mean, exact, exact - 3.0 * error, exact + 3.0 * error)
