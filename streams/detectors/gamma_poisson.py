"""The Gamma-Poisson posterior of one subject's rate of violations; it decides nothing about the subject.

Source: conjugate updating, e.g. Gelman et al., Bayesian Data Analysis (3rd ed., 2013), section 2.6; the prior is fitted
on the population (empirical Bayes), never flat.
"""

from scipy.special import gammaincc


def exceedance(
    violations: float, requests: float, *, prior_violations: float, prior_requests: float, rate: float
) -> float:
    """P(the true rate > `rate`) after `violations` in `requests`, both possibly decayed and thus fractional.

    The posterior is Gamma(a + k, b + n), so this is `gamma.sf(rate, a + k, scale=1 / (b + n))`.

    >>> round(exceedance(5, 50, prior_violations=0.5, prior_requests=100, rate=0.02), 6)
    0.873364
    """
    return float(gammaincc(prior_violations + violations, (prior_requests + requests) * rate))
