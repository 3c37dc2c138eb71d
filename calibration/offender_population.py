"""Simulated users with a volume and a rate of blocked requests; it knows no detector.

Only violations are drawn one by one. The clean requests between two of them are a number, taken to be spread evenly
over the gap, so that every sum over them has a closed form.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAYS = 30.0
PERMITTED = 0.02
"""r0: a good user's rate is at most this."""
_MEDIAN_VOLUME, _LOG_SPREAD = 15.0, np.log(323.0 / 15.0) / 2.3263
"""Requests per day, log-normal; the 99th percentile is 323."""
_SHAPE, _MEAN_RATE = 0.5, 0.005


class Phase(NamedTuple):
    """A stretch of days in which every user's rate stays what it is."""

    days: float
    rates: Floats
    """Share of blocked requests, one per user."""


class Paths(NamedTuple):
    """Violations of many users, those of the first user in order of time, then those of the second, and so on."""

    counts: Ints
    """Violations of each user."""
    times: Floats
    """Days since the start."""
    gaps: Floats
    """Days since the user's violation before, or since the start."""
    cleans: Ints
    """Clean requests in that gap."""

    @property
    def firsts(self) -> Ints:
        """Where each user's violations begin."""
        return np.cumsum(self.counts) - self.counts

    @property
    def owners(self) -> Ints:
        """The user of each violation."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def rounds(self) -> Iterator[Ints]:
        """Where everybody's first violations are, then the second ones, and so on; most violations come first.

        Users never change places, so a recursion keeps its state in one array and updates the part that is still in.
        """
        order = np.argsort(-self.counts, kind="stable")
        firsts, counts = self.firsts[order], self.counts[order]
        for turn in range(int(counts[0]) if len(counts) else 0):
            still = int(np.searchsorted(-counts, -turn, side="left"))
            yield firsts[:still] + turn

    def highest(self, statistic: Floats) -> Floats:
        """The largest value of a statistic that each user reaches; -inf without a violation."""
        top = np.full(len(self.counts), -np.inf)
        some = self.counts > 0
        if some.any():
            top[some] = np.maximum.reduceat(statistic, self.firsts[some])
        return top


class Benign(NamedTuple):
    """A population nobody of which means harm, 4.5 % of it with a rate above the permitted one all the same."""

    volumes: Floats
    rates: Floats
    paths: Paths

    @property
    def good(self) -> NDArray[np.bool_]:
        """Whose rate is permitted."""
        return self.rates <= PERMITTED


def benign(rng: Generator, users: int) -> Benign:
    """Thirty days of users with log-normal volume and gamma-distributed rates."""
    volumes = _MEDIAN_VOLUME * np.exp(_LOG_SPREAD * rng.standard_normal(users))
    rates = rng.gamma(_SHAPE, _MEAN_RATE / _SHAPE, users)
    return Benign(volumes, rates, drawn(rng, volumes, [Phase(DAYS, rates)]))


def drawn(rng: Generator, volumes: Floats, phases: Sequence[Phase]) -> Paths:
    """Poisson requests at `volumes` per day, each blocked with its phase's rate."""
    owners, times = _violations(rng, volumes, phases)
    order = np.lexsort((times, owners))
    owners, times = owners[order], times[order]
    counts = np.bincount(owners, minlength=len(volumes))
    earlier = np.concatenate(([0.0], times))[:-1]
    earlier[(np.cumsum(counts) - counts)[counts > 0]] = 0.0
    expected, begin = np.zeros(len(times)), 0.0
    for phase in phases:
        end = begin + phase.days
        inside = np.clip(np.minimum(times, end) - np.maximum(earlier, begin), 0.0, None)
        expected += inside * (volumes * (1.0 - phase.rates))[owners]
        begin = end
    return Paths(counts, times, times - earlier, rng.poisson(expected))


def _violations(rng: Generator, volumes: Floats, phases: Sequence[Phase]) -> tuple[Ints, Floats]:
    owners, times, begin = [], [], 0.0
    for phase in phases:
        counts = rng.poisson(volumes * phase.rates * phase.days)
        owners.append(np.repeat(np.arange(len(volumes)), counts))
        times.append(begin + phase.days * rng.random(int(counts.sum())))
        begin += phase.days
    return np.concatenate(owners), np.concatenate(times)
