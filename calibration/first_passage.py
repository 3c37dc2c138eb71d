"""How many requests a statistic takes to reach thresholds, over many simulated users at once; it judges no result.

Only blocked requests are visited: between two of them a geometric number of clean ones is settled in closed form, which
is right for every statistic that clean requests cannot carry over a threshold.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from calibration.offender_methods import log_mean
from streams.detectors.mixture_cusum import Bernoulli

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Chart(Protocol):
    """A statistic of many users side by side; its state has one column per user and starts at zero."""

    @property
    def components(self) -> int:
        """Rows of the state."""
        ...

    def step(self, state: Floats, cleans: Ints, grades: Ints) -> tuple[Floats, Floats]:
        """Clean requests, then one blocked with a grade from 0; the new state and the statistic."""
        ...


class Cusum(NamedTuple):
    """ln of the mixture CUSUM of our detectors."""

    clean: Floats
    """ln L of a clean request, per component; all negative."""
    blocked: Floats
    """ln L of a blocked request, per component (rows) and grade (columns)."""

    @property
    def components(self) -> int:
        """Alternatives."""
        return len(self.clean)

    def step(self, state: Floats, cleans: Ints, grades: Ints) -> tuple[Floats, Floats]:
        """Page's recursion."""
        state = np.maximum(state + cleans * self.clean[:, np.newaxis], 0.0) + self.blocked[:, grades]
        return state, log_mean(state)


class ShiryaevRoberts(NamedTuple):
    """ln of the mixture Shiryaev-Roberts statistic of a rate; for thresholds of at least ln 100, see the module."""

    ratios: Bernoulli

    @property
    def components(self) -> int:
        """Alternatives."""
        return len(self.ratios.hit)

    def step(self, state: Floats, cleans: Ints, grades: Ints) -> tuple[Floats, Floats]:
        """R <- (1 + R) L in closed form over the clean requests, a geometric series."""
        hit, miss = (np.exp(np.array(one))[:, np.newaxis] for one in self.ratios)
        kept = miss**cleans
        state = (1.0 + kept * state + miss * (1.0 - kept) / (1.0 - miss)) * hit
        return state, np.log(state.mean(axis=0))


class Bucket(NamedTuple):
    """Points per grade, of which half leak out per `half_life` requests."""

    points: Floats
    half_life: float

    @property
    def components(self) -> int:
        """One bucket."""
        return 1

    def step(self, state: Floats, cleans: Ints, grades: Ints) -> tuple[Floats, Floats]:
        """Every request leaks, the blocked one too."""
        state = state * np.exp2(-(cleans + 1.0) / self.half_life) + self.points[grades]
        return state, state[0]


def passages(rng: Generator, chart: Chart, *, shares: Sequence[float], thresholds: ArrayLike, users: int) -> Floats:
    """Requests until each of the rising `thresholds` (columns) is first reached, by user (rows).

    `shares`: of requests blocked, by grade.
    """
    blocked = float(sum(shares))
    levels, bounds = np.asarray(thresholds, dtype=np.float64), np.cumsum(shares)[:-1] / blocked
    times = np.empty((users, len(levels)))
    still, state = np.arange(users), np.zeros((chart.components, users))
    now, passed = np.zeros(users), np.zeros(users, dtype=np.int64)
    while still.size:
        waited = rng.geometric(blocked, still.size)
        grades = np.searchsorted(bounds, rng.random(still.size), side="right")
        state, statistic = chart.step(state, waited - 1, grades)
        now += waited
        above = np.searchsorted(levels, statistic, side="right")
        for user in np.flatnonzero(above > passed):
            times[still[user], passed[user] : above[user]] = now[user]
        passed = np.maximum(passed, above)
        left = passed < len(levels)
        if not left.all():
            still, now, passed, state = still[left], now[left], passed[left], state[:, left]
    return times


def mean_and_error(times: Floats) -> tuple[float, float]:
    """The mean and its standard error."""
    return float(times.mean()), float(times.std(ddof=1) / np.sqrt(len(times)))
