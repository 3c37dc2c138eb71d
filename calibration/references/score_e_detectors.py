"""Statistics of scores over many paths at once, ours and two relatives; no detector, only its formula."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import beta

from calibration.references.chart import Floats

BETS = (0.03, 0.06, 0.125, 0.25, 0.5, 0.9)


@dataclass(frozen=True)
class BettingShiryaevRoberts:
    """Mean over the bets of R <- (R + 1) L."""

    mean: float | Floats
    """The null mean, one for all paths or one each."""

    def start(self, paths: int) -> Floats:
        """The null mean and R per bet."""
        return np.column_stack((np.broadcast_to(self.mean, paths), np.zeros((paths, len(BETS)))))

    def step(self, state: Floats, scores: Floats) -> tuple[Floats, Floats]:
        """The mean of R is the statistic."""
        held = (state[:, 1:] + 1.0) * _wins(state[:, 0], scores)
        return np.column_stack((state[:, 0], held)), held.mean(axis=1)


@dataclass(frozen=True)
class BothStreams:
    """The groundedness-drift detector without its holds: half the larger of two statistics, as they share a budget.

    >>> chart = BothStreams(0.85, 0.02, low=0.5)
    >>> chart.step(chart.start(1), np.array([0.4]))[1].round(3)
    array([8.115])
    """

    mean: float | Floats
    """Null mean of the scores, one for all paths or one each."""
    share: float | Floats
    """Null share of the scores below `low`, likewise."""
    low: float

    def start(self, paths: int) -> Floats:
        """Both streams, one beside the other."""
        streams = BettingShiryaevRoberts(self.mean), BettingShiryaevRoberts(1.0 - self.share)
        return np.hstack([one.start(paths) for one in streams])

    def step(self, state: Floats, scores: Floats) -> tuple[Floats, Floats]:
        """Half the larger mean of R is the statistic, to compare with the budget of one stream."""
        stream, width = BettingShiryaevRoberts(0.0), len(BETS) + 1
        means, of_mean = stream.step(state[:, :width], scores)
        lows, of_lows = stream.step(state[:, width:], (scores >= self.low).astype(float))
        return np.hstack((means, lows)), np.maximum(of_mean, of_lows) / 2.0


@dataclass(frozen=True)
class BettingCusum:
    """Mean over the bets of M <- max(M, 1) L."""

    mean: float

    def start(self, paths: int) -> Floats:
        """M per bet."""
        return np.zeros((paths, len(BETS)))

    def step(self, state: Floats, scores: Floats) -> tuple[Floats, Floats]:
        """The mean of M is the statistic."""
        held = np.maximum(state, 1.0) * _wins(self.mean, scores)
        return held, held.mean(axis=1)


@dataclass(frozen=True)
class BetaCusum:
    """Page's sum of log-likelihood ratios of two Beta laws with the given means and a + b = 10."""

    before: float
    after: float

    def start(self, paths: int) -> Floats:
        """The sum."""
        return np.zeros((paths, 1))

    def step(self, state: Floats, scores: Floats) -> tuple[Floats, Floats]:
        """The sum is the statistic."""
        edge = np.clip(scores, 1e-300, 1.0 - 1e-16)
        shift = 10.0 * (self.after - self.before)
        ratio = shift * (np.log(edge) - np.log1p(-edge)) + self._constant
        sums = np.maximum(0.0, state[:, 0] + ratio)
        return sums[:, None], sums

    @cached_property
    def _constant(self) -> float:
        laws = [beta(10.0 * mean, 10.0 * (1.0 - mean)).logpdf(0.5) for mean in (self.after, self.before)]
        return float(laws[0] - laws[1])


def _wins(mean: float | Floats, scores: Floats) -> Floats:
    surplus = (1.0 - scores) / (1.0 - mean) - 1.0
    wins: Floats = 1.0 + surplus[:, None] * np.array(BETS)
    return wins
