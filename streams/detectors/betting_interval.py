"""A 95 % interval for the mean of scores in [0, 1], valid whenever one looks; it raises no alarm.

Source: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B 86 (2024): hedged
capital with diversified Kelly bets. Every candidate mean m is bet against twice: that the true mean is above it, and
that it is below. If every score has the conditional mean m, either capital is a martingale that starts at 1, and so
ever reaches 2/alpha with a probability of at most alpha/2. Fixed bets make the capital a function of how often every
score came; scores are counted in hundredths, rounded against the bet, so that the interval is never too narrow.
"""

from collections.abc import Mapping
from math import log

import numpy as np
from numpy.typing import NDArray

Hundredths = dict[int, int]
"""Score in hundredths, rounded down → how often: all that the interval needs, at most 101 numbers."""
ALPHA = 0.05
RUIN = log(2.0 / ALPHA)
"""ln of the capital at which a candidate is refuted."""
_FRACTIONS = np.linspace(0.05, 0.95, 10)
"""What the bets stake of the most that cannot ruin them."""
_HALVINGS = 12


def counted(scores: Mapping[int, int], score: float) -> Hundredths:
    """The counts with one more score in [0, 1].

    >>> counted({85: 1}, 0.857)
    {85: 2}
    """
    place = int(score * 100.0)
    return {**scores, place: scores.get(place, 0) + 1}


def bounds(scores: Mapping[int, int]) -> tuple[float, float]:
    """The least and the largest mean that are not refuted.

    >>> [round(x, 2) for x in bounds({90: 40, 40: 10})]
    [0.69, 0.87]
    """
    lows = np.array(tuple(scores), dtype=float) / 100.0
    counts = np.array(tuple(scores.values()), dtype=float)
    highs = np.minimum(lows + 0.01, 1.0)
    return _least(lows, counts), 1.0 - _least(1.0 - highs, counts)


def log_capital(scores: NDArray[np.float64], counts: NDArray[np.float64], mean: float) -> float:
    """ln of the capital won by betting that the mean is above `mean`, in (0, 1); it falls as `mean` rises."""
    logs = np.log1p(np.multiply.outer(_FRACTIONS, scores / mean - 1.0)) @ counts
    return float(np.logaddexp.reduce(logs) - log(len(logs)))


def _least(scores: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """The largest mean known to be refuted from below, by halving; at most 1/4096 too low."""
    refuted, standing = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (refuted + standing) / 2.0
        if log_capital(scores, counts, middle) >= RUIN:
            refuted = middle
        else:
            standing = middle
    return refuted
