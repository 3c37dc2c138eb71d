"""Bets against "the mean of scores in [0, 1] is at least m"; any distribution, no model of it.

Source: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B 86 (2024); as baseline
increments of an e-detector: Shin, Ramdas and Rinaldo (arXiv 2203.03532).
"""

from collections.abc import Iterable
from math import log1p


def log_wins(score: float, mean: float, *, bets: Iterable[float]) -> list[float]:
    """ln of 1 + bet * ((1 - score) / (1 - mean) - 1) per bet; its expectation is at most 1 while the mean is >= `mean`.

    `score` in [0, 1], `mean` in [0, 1), bets in (0, 1): then every result is finite.

    >>> [round(x, 6) for x in log_wins(0.2, 0.85, bets=[0.5])]
    [1.15268]
    """
    surplus = (1.0 - score) / (1.0 - mean) - 1.0
    return [log1p(bet * surplus) for bet in bets]
