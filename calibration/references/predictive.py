"""Tail probabilities of the next count under a fitted or learnt rate; they look at one count and remember nothing.

Source: Hilbe, Negative Binomial Regression (2nd ed., 2011); Gelman et al., Bayesian Data Analysis (3rd ed.), 2.6.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import nbinom


def tail(count: ArrayLike, mean: ArrayLike, size: ArrayLike) -> NDArray[np.float64]:
    """P(X >= count) of a negative binomial with variance mean + mean² / size.

    >>> round(float(tail(8, 4.0, 13.043478)), 6)
    0.075596
    """
    mean, size = np.asarray(mean, float), np.asarray(size, float)
    return np.asarray(nbinom.sf(np.asarray(count) - 1, size, size / (size + mean)), float)


def gamma_poisson_tail(count: int, *, shape: float, exposure: float, ahead: float = 1.0) -> float:
    """P(X >= count) in the exposure `ahead`, given the posterior Gamma(shape, exposure) of the rate.

    >>> round(gamma_poisson_tail(10, shape=2, exposure=1), 9)
    0.005859375
    """
    return float(nbinom.sf(count - 1, shape, exposure / (exposure + ahead)))
