"""The daily and weekly shape of a series, fitted to weeks of hourly counts; it keeps no history and judges nothing.

ln mean = level + 3 daily harmonics + weekend + weekend x daily harmonics, by Poisson scoring with outliers weighed
down, and a negative-binomial size by moments. Only 48 hours differ (24 of weekdays, 24 of weekends, UTC), so a fit
works on 48 sums however long the history is. Source of the reweighting by Anscombe residuals: Noufaily et al., An
improved algorithm for outbreak detection in multiple surveillance systems, Statistics in Medicine 32 (2013).
"""

from functools import cache
from math import cos, exp, floor, sin, tau
from operator import mul
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

CELLS = 48
"""Hours of weekdays, then of weekends."""
LEAST_HOURS = 168
"""Known hours below which nothing is fitted."""
_HARMONICS = 3
_COEFFICIENTS = 2 * (1 + 2 * _HARMONICS)
_RIDGE = 1.0
"""Prior precision of every coefficient but the level: amplitudes about 1 in logs; it matters for sparse series only."""
_OUTLIER = 2.58
"""Anscombe residual from which an hour is weighed down."""
_SIZES = (0.5, 1e4)
_FIRST_SIZE = 4.0
"""Least size in the first round: a large spike must not hide behind the dispersion that it causes itself."""
_REWEIGHTINGS = 3
_SCORINGS = (8, 3)
"""Scoring steps of the first fit and of the reweighted ones, which start from its result."""

Floats = NDArray[np.float64]


class Harmonics(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The fit of one series."""

    coefficients: tuple[float, ...]
    errors: tuple[float, ...]
    """Relative standard errors of the mean, per cell."""
    size: float
    """Negative-binomial size of an hour: var = mean + mean² / size."""


class Fits(NamedTuple):
    """The fits of many series, row by row."""

    coefficients: Floats
    errors: Floats
    sizes: Floats


def fit(counts: NDArray[np.int64], first_hour: int) -> Harmonics | None:
    """Fit one series.

    `counts` are consecutive hours from `first_hour` (hours since the epoch, UTC); a negative one is unknown. None below
    `LEAST_HOURS` known hours.
    """
    if np.count_nonzero(counts >= 0) < LEAST_HOURS:
        return None
    fits = fit_many(counts[np.newaxis, :], first_hour)
    return Harmonics(tuple(fits.coefficients[0].tolist()), tuple(fits.errors[0].tolist()), float(fits.sizes[0]))


def fit_many(counts: NDArray[np.int64], first_hour: int) -> Fits:
    """Fit every row of `counts` (series, hours), as `fit` does."""
    cells = _cells(first_hour, counts.shape[1])
    known = (counts >= 0).astype(np.float64)
    seen = np.maximum(counts, 0).astype(np.float64)
    beta = _scored(None, _by_cell(seen, cells), _by_cell(known, cells))
    means = np.exp(beta @ _design().T)[:, cells]
    weights, sizes = known, np.maximum(_sizes(seen, means, known), _FIRST_SIZE)
    for _ in range(_REWEIGHTINGS):
        weights = known * _trust(seen, means, sizes[:, np.newaxis])
        beta = _scored(beta, _by_cell(weights * seen, cells), _by_cell(weights, cells))
        means = np.exp(beta @ _design().T)[:, cells]
        sizes = _sizes(seen, means, weights)
    return Fits(beta, _errors(beta, _by_cell(weights, cells), sizes), sizes)


def forecast(harmonics: Harmonics, hour: float) -> tuple[float, float]:
    """Mean count and its relative standard error for the 60 minutes that start at `hour` (hours since the epoch).

    A fraction is allowed: a step inside an hour has the rate of the 60 minutes around its middle.
    """
    middle = hour + 0.5
    cell = cell_of(floor(middle))
    row = _row(middle % 24.0, is_weekend=cell >= 24)
    return exp(sum(map(mul, row, harmonics.coefficients))), harmonics.errors[cell]


def hourly_means(harmonics: Harmonics, first_hour: int, hours: int) -> Floats:
    """Mean counts of consecutive hours."""
    means: Floats = np.exp(_design() @ np.array(harmonics.coefficients))
    return means[_cells(first_hour, hours)]


def forecast_many(fits: Fits, first_hour: int, hours: int) -> tuple[Floats, Floats]:
    """Means and relative standard errors (series, hours), as `forecast` gives them for whole hours."""
    cells = _cells(first_hour, hours)
    return np.exp(fits.coefficients @ _design().T)[:, cells], fits.errors[:, cells]


def cell_of(hour: int) -> int:
    """Hour of day, plus 24 at weekends; 1 January 1970 was a Thursday."""
    return hour % 24 + (24 if (hour // 24 + 3) % 7 >= 5 else 0)


def _cells(first_hour: int, hours: int) -> NDArray[np.int64]:
    return np.array([cell_of(hour) for hour in range(first_hour, first_hour + hours)], dtype=np.int64)


def _row(time: float, *, is_weekend: bool) -> list[float]:
    """The regressors at a time of day in hours: level and waves, then the same again at weekends."""
    daily = [1.0]
    for harmonic in range(1, _HARMONICS + 1):
        angle = tau * harmonic * time / 24.0
        daily += (sin(angle), cos(angle))
    return daily + (daily if is_weekend else [0.0] * len(daily))


@cache
def _design() -> Floats:
    return np.array([_row(cell % 24 + 0.5, is_weekend=cell >= 24) for cell in range(CELLS)])


def _by_cell(values: Floats, cells: NDArray[np.int64]) -> Floats:
    """Sums over the hours of each cell: (series, hours) to (series, cells)."""
    slots = np.arange(len(values))[:, np.newaxis] * CELLS + cells
    sums = np.bincount(slots.ravel(), weights=values.ravel(), minlength=len(values) * CELLS)
    return sums.reshape(len(values), CELLS).astype(np.float64)


def _scored(start: Floats | None, seen: Floats, hours: Floats) -> Floats:
    """Poisson scoring on sums per cell; half a count spread over all hours keeps an empty series finite."""
    design = _design()
    total = np.maximum(hours.sum(axis=1, keepdims=True), 1.0)
    seen = seen + 0.5 * hours / total
    level = seen.sum(axis=1, keepdims=True) / total
    eta = np.log((seen + level) / (hours + 1.0)) if start is None else start @ design.T
    beta = np.empty((len(seen), _COEFFICIENTS))
    for _ in range(_SCORINGS[start is not None]):
        weights = hours * np.exp(eta)
        target = (weights * eta + seen - weights) @ design
        beta = np.linalg.solve(_information(weights) + _ridge(), target[..., np.newaxis])[..., 0]
        eta = np.clip(beta @ design.T, -30.0, 30.0)
    return beta


def _ridge() -> Floats:
    return np.diag([1e-9] + [_RIDGE] * (_COEFFICIENTS - 1))


def _information(weights: Floats) -> Floats:
    """X' diag(w) X for every row of `weights` (series, cells)."""
    design = _design()
    products = (design[:, :, np.newaxis] * design[:, np.newaxis, :]).reshape(CELLS, -1)
    sums: Floats = weights @ products
    return sums.reshape(-1, _COEFFICIENTS, _COEFFICIENTS)


def _sizes(seen: Floats, means: Floats, weights: Floats) -> Floats:
    """var = mean + mean² / size, solved for size over all hours; one per series."""
    hours = weights.sum(axis=1)
    squares = (weights * (seen - means) ** 2).sum(axis=1) * hours / np.maximum(hours - _COEFFICIENTS, 1.0)
    beyond_poisson = np.maximum(squares - (weights * means).sum(axis=1), 0.0)
    sizes: Floats = 1.0 / np.clip(beyond_poisson / (weights * means**2).sum(axis=1), 1 / _SIZES[1], 1 / _SIZES[0])
    return sizes


def _trust(seen: Floats, means: Floats, sizes: Floats) -> Floats:
    """1 for an ordinary hour, falling with the square of the residual beyond the outlier's bound."""
    residuals = 1.5 * (np.cbrt(seen**2) * means ** (-1 / 6) - np.sqrt(means)) / np.sqrt(1.0 + means / sizes)
    trust: Floats = (_OUTLIER / np.maximum(np.abs(residuals), _OUTLIER)) ** 2
    return trust


def _errors(beta: Floats, hours: Floats, sizes: Floats) -> Floats:
    """Standard errors of ln mean per cell, by the sandwich formula: scored as Poisson, spread as negative binomial."""
    design = _design()
    means = np.exp(beta @ design.T)
    bread = np.linalg.inv(_information(hours * means) + _ridge())
    filling = _information(hours * means * (1.0 + means / sizes[:, np.newaxis]))
    covariance = bread @ filling @ bread
    variances: Floats = np.einsum("sci,ci->sc", design @ covariance, design)
    errors: Floats = np.sqrt(variances)
    return errors
