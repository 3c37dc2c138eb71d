"""Ranges and probabilities of a rate from counts looked at once; for looking again and again see anytime.py.

Sources: Wilson, Probable inference, JASA 22 (1927); Beta-Binomial conjugacy: Gelman et al., Bayesian Data Analysis
(3rd ed., 2013), section 2.4.
"""

from math import sqrt
from typing import NamedTuple

from scipy.special import betaincc, ndtri


class Range(NamedTuple):
    """A range of rates, within [0, 1]."""

    low: float
    high: float


def wilson(hits: int, trials: int, *, level: float = 0.95) -> Range:
    """The score interval of a proportion: for showing, never for deciding; `trials` above 0.

    >>> [round(x, 6) for x in wilson(5, 50)]
    [0.043476, 0.213602]
    """
    z = float(ndtri((1.0 + level) / 2.0))
    share, spread = hits / trials, z * z / trials
    middle = (share + spread / 2.0) / (1.0 + spread)
    half = z / (1.0 + spread) * sqrt(share * (1.0 - share) / trials + spread / (4.0 * trials))
    return Range(max(0.0, middle - half) if hits else 0.0, min(1.0, middle + half) if hits < trials else 1.0)


def beta_exceedance(
    violations: float, requests: float, *, prior_violations: float, prior_requests: float, rate: float
) -> float:
    """P(the true rate > `rate`) by Beta-Binomial: what Gamma-Poisson approximates, and differs from above 0.3.

    >>> round(beta_exceedance(5, 50, prior_violations=0.5, prior_requests=100, rate=0.02), 6)
    0.878059
    """
    clean = prior_requests - prior_violations + requests - violations
    return float(betaincc(prior_violations + violations, clean, rate))
