"""Likelihood ratios of negative-binomial counts: var = mean + mean² / size. It keeps no state and knows no time.

Source: Hilbe, Negative Binomial Regression (2nd ed., 2011), NB2; the ratio is that of the NB-CUSUM of Höhle and Paul,
Count data regression charts, CSDA 52 (2008).
"""

from math import log


def predictive_size(size: float, standard_error: float) -> float:
    """The size that also carries the mean's relative standard error: var = mean + mean² (1/size + se²).

    >>> round(predictive_size(15, 0.1), 6)
    13.043478
    """
    return 1.0 / (1.0 / size + standard_error * standard_error)


def log_ratio(count: int, mean: float, *, size: float, multiplier: float) -> float:
    """ln of P(count | multiplier * mean) / P(count | mean); rises with `count` whenever multiplier > 1.

    >>> round(log_ratio(9, 4.0, size=predictive_size(15, 0.1), multiplier=2.0), 6)
    1.591051
    """
    spread = log((size + mean) / (size + multiplier * mean))
    return count * (log(multiplier) + spread) + size * spread
