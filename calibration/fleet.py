"""Mean time to the first false page over a fleet of series: at least A / K, whatever the series share; null data only.

Source: Shin, Ramdas and Rinaldo (arXiv 2203.03532): the sum of K Shiryaev-Roberts statistics minus K t drifts
downwards, so none of them reaches A before A / K on average. Every run starts all series anew after a page; the mean of
so many times, which are close to exponential, has the relative standard error 1 / sqrt(pages).
"""

from collections.abc import Iterable, Iterator
from math import sqrt
from typing import NamedTuple

import numpy as np

from calibration.finding import Finding
from calibration.spikes_series import HISTORY, SERIES, SIZE, WEEK, Counts, Fleet, Floats, Forecast
from calibration.spikes_statistics import MULTIPLIERS, log_ratios

_TABLE = "steps to the first false page"
_THRESHOLD = 1e4
_MEAN = 5.0
"""Of the series whose mean is known."""
_LARGEST = 400
"""Counts beyond it do not occur."""
_SEED = 43
_LIVE_FLEETS = 24
_LIVE_HOURS = 16 * WEEK


class Known(NamedTuple):
    """A simulation of series whose mean is known; what the first page takes depends on the distinct ones alone."""

    name: str
    distinct: int
    fleets: int
    steps: int
    series: int
    """K: the distinct ones and their copies."""
    expected: float


KNOWN = (
    Known("one series", 1, fleets=2000, steps=30_000, series=1, expected=31_135.0),
    Known("200 independent series", 200, fleets=40, steps=2_500, series=200, expected=170.0),
    Known("2 series, each 100 times", 2, fleets=600, steps=30_000, series=200, expected=15_986.0),
)


class Times(NamedTuple):
    """Steps watched and pages raised in them."""

    steps: int
    pages: int

    @property
    def mean(self) -> float:
        """Mean time to a page; after the last page the time counts too, as for exponential times."""
        return self.steps / max(1, self.pages)

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return self.mean / sqrt(max(1, self.pages))


def fleet() -> Iterator[Finding]:
    """The bound with known means, and with the detector's fitted means; about a minute."""
    for number, case in enumerate(KNOWN):
        yield from _known(case, _simulated(case, seed=number))
    for tolerance, hours in ((1.1, 24), (1.1, WEEK), (1.0, WEEK)):
        yield _live(tolerance, hours)


def first_pages(ratios: Iterable[Floats], threshold: float) -> Times:
    """Watch fleets step by step; likelihood ratios per step: fleets, series, multipliers."""
    statistic: Floats | float = 0.0
    steps = pages = 0
    for ratio in ratios:
        statistic = np.asarray((1.0 + statistic) * ratio)
        paged = (statistic.mean(axis=2) >= threshold).any(axis=1)
        if paged.any():
            statistic[paged] = 0.0
        steps, pages = steps + len(paged), pages + int(paged.sum())
    return Times(steps, pages)


def _known(case: Known, times: Times) -> Iterator[Finding]:
    margin = 0.15 * case.expected + 3.0 * times.error
    name = f"{case.name}, A = {_THRESHOLD:g}"
    low, high = case.expected - margin, case.expected + margin
    yield Finding(_TABLE, f"{name} · mean ±{times.error:.2g}", times.mean, case.expected, low, high)
    yield _bounded(name, times, bound=_THRESHOLD / case.series)


def _bounded(name: str, times: Times, *, bound: float) -> Finding:
    """The mean may not come nearer to A / K than three standard errors."""
    case = f"{name} · mean ±{times.error:.2g}, at least A/K = {bound:g}"
    return Finding(_TABLE, case, times.mean, low=bound + 3.0 * times.error)


def _simulated(case: Known, *, seed: int) -> Times:
    rng = np.random.default_rng([_SEED, seed])
    counts = np.arange(_LARGEST)[:, np.newaxis]
    by_count = np.exp(log_ratios(counts, Forecast(np.array([[_MEAN]]), np.array([[SIZE]]))))[:, 0]
    shape = (case.fleets, case.distinct)
    drawn = (rng.negative_binomial(SIZE, SIZE / (SIZE + _MEAN), shape) for _ in range(case.steps))
    return first_pages((by_count[np.minimum(count, _LARGEST - 1)] for count in drawn), _THRESHOLD)


def _live(tolerance: float, hours: int) -> Finding:
    """Series with seasons, means fitted to 8 weeks and inflated; `hours` is D."""
    found = [_fitted(number, tolerance=tolerance, threshold=SERIES * hours) for number in range(_LIVE_FLEETS)]
    times = Times(sum(one.steps for one in found), sum(one.pages for one in found))
    name = f"200 series, fitted means x{tolerance}, A = 200 * {hours}"
    if tolerance > 1.0:
        return _bounded(name, times, bound=float(hours))
    return Finding(_TABLE, f"{name} · mean ±{times.error:.2g}, no bound", times.mean)


def _fitted(number: int, *, tolerance: float, threshold: float) -> Times:
    quiet = Fleet.drawn(np.random.default_rng([_SEED, 100 + number]), HISTORY + _LIVE_HOURS)
    forecast = Forecast.of(quiet.counts, _LIVE_HOURS)
    return first_pages(_hourly(quiet.counts[:, HISTORY:], forecast, tolerance), threshold)


def _hourly(counts: Counts, forecast: Forecast, tolerance: float) -> Iterator[Floats]:
    ratios = log_ratios(counts, forecast._replace(means=forecast.means * tolerance), MULTIPLIERS)
    return (np.exp(ratios[np.newaxis, :, hour]) for hour in range(ratios.shape[1]))
