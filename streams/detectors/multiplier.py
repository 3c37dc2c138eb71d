"""The posterior of how many times the expected count a series shows; it does not decide whether that is abnormal.

With a negative-binomial count of mean c·expected and a known size, Jeffreys' prior on c makes c·expected / (size +
c·expected) follow Beta(seen + 1/2, size). Source: Bernardo and Smith, Bayesian Theory (1994), appendix A (negative
binomial: reference prior).
"""

from scipy.special import betaincinv

from alerts.signal import Multiplier

_LEAST_SIZE = 0.1


def multiplier(seen: float, expected: float, *, size: float) -> Multiplier:
    """Median and the bounds of the central 90 % of the multiplier; `size` holds all of the relative variance.

    >>> found = multiplier(40, 10.0, size=50.0)
    >>> round(found.low, 2), round(found.median, 2), round(found.high, 2)
    (2.84, 4.04, 5.72)
    """
    size = max(size, _LEAST_SIZE)
    low, median, high = (_at(probability, seen, expected, size=size) for probability in (0.05, 0.5, 0.95))
    return Multiplier(median=median, low=low, high=high)


def _at(probability: float, seen: float, expected: float, *, size: float) -> float:
    share = float(betaincinv(seen + 0.5, size, probability))
    others = float(betaincinv(size, seen + 0.5, 1.0 - probability))
    return size * share / (others * expected)
