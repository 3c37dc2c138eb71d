"""The Gamma-Poisson posterior of one subject's rate of violations; it decides nothing about the subject.

Source: conjugate updating, e.g. Gelman et al., Bayesian Data Analysis (3rd ed., 2013), section 2.6; the prior is fitted
on the population (empirical Bayes), never flat.
"""

from typing import NamedTuple

from scipy.special import gammaincc

WEAKEST, STRONGEST = 20.0, 200.0
"""Bounds of a prior's requests: a weaker one protects nobody, a stronger one is blind to the low and slow."""


class Prior(NamedTuple):
    """What is usual: Gamma(violations, requests); its mean is the typical rate."""

    violations: float
    """Shape a."""
    requests: float
    """Rate b."""


def exceedance(
    violations: float, requests: float, *, prior_violations: float, prior_requests: float, rate: float
) -> float:
    """P(the true rate > `rate`) after `violations` in `requests`, both possibly decayed and thus fractional.

    The posterior is Gamma(a + k, b + n), so this is `gamma.sf(rate, a + k, scale=1 / (b + n))`.

    >>> round(exceedance(5, 50, prior_violations=0.5, prior_requests=100, rate=0.02), 6)
    0.873364
    """
    return float(gammaincc(prior_violations + violations, (prior_requests + requests) * rate))
