"""Fits the repeat-offender prior on a population by empirical Bayes; it reads no log and decides when nothing holds.

Method: with rates Gamma(a, b) and Poisson counts, violations k in n requests are negative binomial; a and b maximise
that marginal likelihood. Source: Robbins, An empirical Bayes approach to statistics (1956); Carlin and Louis, Bayesian
Methods for Data Analysis (3rd ed., 2009), section 5.2.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from streams.detectors.baselines import EVERYBODY
from streams.detectors.gamma_poisson import STRONGEST, WEAKEST, Prior
from streams.errors import StreamError

FEWEST_SUBJECTS = 200
"""Fewer subjects than that say little about a population."""
FEWEST_WITH_VIOLATIONS = 20
"""Fewer subjects with violations than that say little about how rates differ."""

_Numbers = NDArray[np.float64]


class SubjectCount(NamedTuple):
    """One subject's whole account in the time fitted on; whoever was already actioned is left out by the caller."""

    violations: int
    requests: int


class UnfitPopulation(StreamError):
    """No prior can be had from these subjects; the old one stays in force."""

    def __init__(self, reason: str, *, subjects: int, with_violations: int, prior: Prior | None = None) -> None:
        self.subjects, self.with_violations, self.prior = subjects, with_violations, prior
        super().__init__(f"{reason} ({subjects} subjects, {with_violations} of them with violations)")


def fit(counts: Iterable[SubjectCount]) -> Prior:
    """The prior of a population, at most 200 requests strong. Raises UnfitPopulation.

    Subjects without requests tell nothing and are left out. Where the cap binds, the mean rate a/b is kept.
    """
    pairs = np.array([one for one in counts if one.requests > 0], dtype=np.float64).reshape(-1, 2)
    subjects, with_violations = len(pairs), int((pairs[:, 0] > 0).sum())
    if subjects < FEWEST_SUBJECTS or with_violations < FEWEST_WITH_VIOLATIONS:
        raise UnfitPopulation("too few to fit a prior on", subjects=subjects, with_violations=with_violations)
    unique, times = np.unique(pairs, axis=0, return_counts=True)
    prior = _most_likely(unique[:, 0], unique[:, 1], times.astype(np.float64))
    if prior.requests < WEAKEST:
        reason = f"their rates differ too much: a prior of {prior.requests:.1f} requests would protect nobody"
        raise UnfitPopulation(reason, subjects=subjects, with_violations=with_violations, prior=prior)
    return _capped(prior)


def fit_all(products: Mapping[str, Iterable[SubjectCount]]) -> dict[str, Prior | UnfitPopulation]:
    """A prior per product and one of all together (`*`), for products whose own is refused."""
    known = {product: tuple(counts) for product, counts in products.items()}
    return {
        **{product: _fit_or_refusal(counts) for product, counts in known.items()},
        EVERYBODY: _fit_or_refusal(chain.from_iterable(known.values())),
    }


def log_likelihood(violations: _Numbers, requests: _Numbers, prior: Prior) -> _Numbers:
    """ln of the negative-binomial probability of each subject's violations, up to what no prior changes."""
    a, b = prior
    both = b + requests
    known: _Numbers = gammaln(a + violations) - gammaln(a) + a * np.log(b / both) - violations * np.log(both)
    return known


def _fit_or_refusal(counts: Iterable[SubjectCount]) -> Prior | UnfitPopulation:
    try:
        return fit(counts)
    except UnfitPopulation as refusal:
        return refusal


def _capped(prior: Prior) -> Prior:
    if prior.requests <= STRONGEST:
        return prior
    return Prior(prior.violations * STRONGEST / prior.requests, STRONGEST)


def _most_likely(violations: _Numbers, requests: _Numbers, times: _Numbers) -> Prior:
    def loss(point: _Numbers) -> tuple[float, _Numbers]:
        a, b = np.exp(point)
        likelihood = float(times @ log_likelihood(violations, requests, Prior(a, b)))
        by_a = times @ (digamma(a + violations) - digamma(a) + np.log(b / (b + requests)))
        by_b = times @ (a / b - (a + violations) / (b + requests))
        return -likelihood / times.sum(), -np.array([a * by_a, b * by_b]) / times.sum()

    mean = float(times @ violations) / float(times @ requests)
    start = np.log(np.array([mean * WEAKEST, WEAKEST]))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-14.0, 14.0), (-7.0, 14.0)])
    a, b = np.exp(found.x)
    return Prior(float(a), float(b))
