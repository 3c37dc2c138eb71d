"""Upper bounds of the Farrington methods from a predicted mean, its error and the dispersion; they fit nothing.

Sources: Farrington et al., JRSS A 159 (1996); Noufaily et al., An improved algorithm for outbreak detection in multiple
surveillance systems, Statistics in Medicine 32 (2013).
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import nbinom, norm, poisson


class Bound(NamedTuple):
    """The interval outside which a count is unexpected."""

    lower: float
    upper: float
    tail: float
    """Probability of a count at least as large as the one seen."""


class Prediction(NamedTuple):
    """What a model expects now."""

    mean: float
    error: float
    """Standard error of the linear predictor, ln mean."""
    dispersion: float
    """At least 1."""


def transformed_bound(prediction: Prediction, count: int, *, alpha: float, power: float = 2 / 3) -> Bound:
    """Normal limits of the counts to `power`: 1, 1/2 (variance-stabilising) or 2/3 (symmetrising).

    >>> bound = transformed_bound(Prediction(5.0, 0.04, 1.0), 8, alpha=0.05)
    >>> round(bound.upper, 5)
    9.11548
    """
    mean = prediction.mean
    inflation = prediction.dispersion + (prediction.error * mean) ** 2 / mean
    spread = power * np.sqrt(mean ** (2.0 * power - 1.0) * inflation)
    reach = norm.isf(alpha) * spread
    lower = max(0.0, mean**power - reach) ** (1.0 / power)
    upper = (mean**power + reach) ** (1.0 / power)
    return Bound(float(lower), float(upper), float(norm.sf(count**power, mean**power, spread)))


def plugin_bound(prediction: Prediction, count: int, *, alpha: float) -> Bound:
    """Negative-binomial (Poisson at dispersion 1) quantiles at the predicted mean, as if that were known."""
    dispersion, mean = prediction.dispersion, prediction.mean
    law = nbinom(mean / (dispersion - 1.0), 1.0 / dispersion) if dispersion > 1.0 else poisson(mean)
    return Bound(max(0.0, float(law.ppf(alpha))), float(law.ppf(1.0 - alpha)), float(law.sf(count - 1)))


def uncertain_bound(prediction: Prediction, count: int, *, alpha: float) -> Bound:
    """The same at the upper 1 - alpha limit of the mean, which Muan proposed."""
    mean = prediction.mean * float(np.exp(norm.isf(alpha) * prediction.error))
    return plugin_bound(prediction._replace(mean=mean), count, alpha=alpha)
