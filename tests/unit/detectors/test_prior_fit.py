"""Fitting the population's prior: known ones come back, and what would protect nobody is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from streams.detectors.gamma_poisson import Prior
from streams.detectors.prior_fit import SubjectCount, UnfitPopulation, fit, fit_all, log_likelihood


def population(a: float, b: float, *, size: int = 3000, seed: int = 1) -> list[SubjectCount]:
    """Gamma(a, b) rates over log-normal exposures."""
    chance = np.random.default_rng(seed)
    requests = np.maximum(1, chance.lognormal(np.log(300), 1.2, size)).astype(int)
    violations = np.minimum(chance.poisson(chance.gamma(a, 1 / b, size) * requests), requests)
    return [SubjectCount(int(k), int(n)) for k, n in zip(violations, requests, strict=True)]


@pytest.mark.parametrize(("a", "b"), [(0.5, 100), (1.0, 60), (2.0, 150), (0.3, 30)])
def test_a_known_prior_is_recovered(a: float, b: float) -> None:
    prior = fit(population(a, b))
    assert prior == pytest.approx((a, b), rel=0.15)
    assert prior.violations / prior.requests == pytest.approx(a / b, rel=0.1)


def test_the_fit_is_the_maximum_of_the_likelihood() -> None:
    counts = population(0.5, 100)
    k, n = np.array(counts, dtype=float).T
    prior = fit(counts)
    best = log_likelihood(k, n, prior).sum()
    for a, b in ((1.05, 1.0), (0.95, 1.0), (1.0, 1.05), (1.0, 0.95)):
        assert log_likelihood(k, n, Prior(prior.violations * a, prior.requests * b)).sum() < best


def test_the_likelihood_is_negative_binomial() -> None:
    k, n = np.array([0.0, 1.0, 7.0]), np.array([10.0, 10.0, 200.0])
    one, other = Prior(0.5, 100.0), Prior(2.0, 40.0)
    ours = log_likelihood(k, n, one) - log_likelihood(k, n, other)
    theirs = nbinom.logpmf(k, one[0], one[1] / (one[1] + n)) - nbinom.logpmf(k, other[0], other[1] / (other[1] + n))
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_its_strength_is_capped_and_its_mean_kept() -> None:
    prior = fit(population(4.0, 800))
    assert prior.requests == pytest.approx(200)
    assert prior.violations / prior.requests == pytest.approx(0.005, rel=0.1)


def test_a_prior_that_would_protect_nobody_is_refused() -> None:
    with pytest.raises(UnfitPopulation, match="protect nobody") as refusal:
        fit(population(0.5, 10))
    assert refusal.value.prior is not None
    assert refusal.value.prior.requests < 20


@pytest.mark.parametrize(
    "counts",
    [[], population(0.5, 100, size=199), [SubjectCount(0, 100)] * 5000, [SubjectCount(0, 0)] * 5000],
    ids=["nobody", "few", "without violations", "without requests"],
)
def test_too_few_are_refused(counts: list[SubjectCount]) -> None:
    with pytest.raises(UnfitPopulation, match="too few"):
        fit(counts)


def test_every_product_has_its_own_and_everybody_theirs() -> None:
    fitted = fit_all(
        {"chat": population(0.5, 100), "code": iter(population(2.0, 150, seed=2)), "new": [SubjectCount(1, 9)]}
    )
    assert list(fitted) == ["chat", "code", "new", "*"]
    assert isinstance(fitted["new"], UnfitPopulation)
    assert isinstance(fitted["*"], Prior)
    assert fitted["chat"] == fit(population(0.5, 100))
    assert fitted["code"] == pytest.approx((2.0, 150), rel=0.15)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 3000)), min_size=200, max_size=400))
def test_any_population_is_fitted_or_refused(pairs: list[tuple[int, int]]) -> None:
    counts = [SubjectCount(min(k, n), n) for k, n in pairs]
    try:
        prior = fit(counts)
    except UnfitPopulation:
        return
    assert 20 <= prior.requests <= 200
    assert prior.violations > 0
    assert prior == fit(reversed(counts))
