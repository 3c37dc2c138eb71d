"""Run lengths without simulation: CUSUMs whose steps are whole numbers, and Wald's test of a rate; no detector of ours.

Source: Brook and Evans, An approach to the probability distribution of CUSUM run length, Biometrika 59 (1972): the
expected time to absorption of a finite Markov chain solves a linear system.
"""

from collections.abc import Sequence
from math import log
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST_HITS = 400
"""In one run; more have no chance."""


def run_length(steps: Sequence[int], chances: Sequence[float], *, height: int, start: int = 0) -> float:
    """Mean observations until S <- max(0, S + step) is at least `height`; steps and height in units of the lattice.

    Chances that are missing to 1 belong to steps that cross from anywhere, so a long upper tail may be left out.

    >>> round(run_length([11, -1], [0.1, 0.9], height=24), 2)
    51.52
    """
    system = np.eye(height)
    here = np.arange(height)
    for step, chance in zip(steps, chances, strict=True):
        there = np.maximum(here + step, 0)
        inside = there < height
        np.subtract.at(system, (here[inside], there[inside]), chance)
    return float(np.linalg.solve(system, np.ones(height))[start])


class Sprt(NamedTuple):
    """Wald's sequential test of the rate `null` against `alternative` with errors `alpha` and `beta`."""

    null: float
    alternative: float
    alpha: float
    beta: float

    @property
    def bounds(self) -> tuple[float, float]:
        """ln A, at which the alternative is accepted, and ln B, at which the null is."""
        return log((1.0 - self.beta) / self.alpha), log(self.beta / (1.0 - self.alpha))

    @property
    def ratios(self) -> tuple[float, float]:
        """ln L of a hit and of a miss."""
        return log(self.alternative / self.null), log((1.0 - self.alternative) / (1.0 - self.null))

    def approximate_length(self, rate: float) -> float:
        """Wald's average sample number at the null or the alternative, which neglects the overshoot."""
        upper, lower = self.bounds
        hit, miss = self.ratios
        accepting = self.alpha if rate == self.null else 1.0 - self.beta
        return (accepting * upper + (1.0 - accepting) * lower) / (rate * hit + (1.0 - rate) * miss)

    def exact(self, rate: float) -> tuple[float, float]:
        """Average sample number and the chance to accept the alternative, by following every number of hits."""
        upper, lower = self.bounds
        hit, miss = self.ratios
        hits = np.arange(_MOST_HITS)
        inside = np.zeros(_MOST_HITS)
        inside[0] = 1.0
        length = accepted = 0.0
        taken = 0
        while inside.sum() > 1e-13:
            taken += 1
            length += float(inside.sum())
            inside = inside * (1.0 - rate) + np.concatenate(([0.0], inside[:-1])) * rate
            score = hits * hit + (taken - hits) * miss
            accepted += float(inside[score >= upper].sum())
            inside[(score >= upper) | (score <= lower)] = 0.0
        return length, accepted

    def simulated(self, rng: Generator, rate: float, runs: int) -> tuple[Floats, Floats]:
        """Sample number of every run, and whether it accepted the alternative."""
        upper, lower = self.bounds
        hit, miss = self.ratios
        lengths, accepted = np.zeros(runs), np.zeros(runs)
        still, score = np.arange(runs), np.zeros(runs)
        while still.size:
            score = score + np.where(rng.random(still.size) < rate, hit, miss)
            lengths[still] += 1.0
            accepted[still[score >= upper]] = 1.0
            open_ = (score < upper) & (score > lower)
            still, score = still[open_], score[open_]
        return lengths, accepted
