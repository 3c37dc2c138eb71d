"""Ranges of a rate looked at once, against recomputed values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from streams.detectors.confidence import beta_exceedance, wilson

COUNTS = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        (0, 10, 0, 0.277533),
        (1, 10, 0.017876, 0.404150),
        (5, 50, 0.043476, 0.213602),
        (14, 60, 0.144396, 0.354363),
        (3, 3, 0.438503, 1),
    ],
)
def test_the_wilson_range_has_the_recomputed_values(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson(hits, trials) == pytest.approx((low, high), abs=1e-6)


@given(COUNTS)
def test_the_wilson_range_holds_the_share_and_mirrors(counts: tuple[int, int]) -> None:
    hits, trials = counts
    low, high = wilson(hits, trials)
    assert 0.0 <= low <= hits / trials <= high <= 1.0
    assert wilson(trials - hits, trials) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@pytest.mark.parametrize(
    ("violations", "requests", "expected"), [(2, 10, 0.49695033), (5, 50, 0.87805890), (14, 60, 0.99999797)]
)
def test_the_beta_posterior_has_the_recomputed_values(violations: int, requests: int, expected: float) -> None:
    found = beta_exceedance(violations, requests, prior_violations=0.5, prior_requests=100, rate=0.02)
    assert found == pytest.approx(expected, abs=5e-9)


@given(COUNTS, st.floats(0.001, 0.9))
def test_it_is_the_survival_function_of_the_beta_posterior(counts: tuple[int, int], rate: float) -> None:
    k, n = counts
    found = beta_exceedance(k, n, prior_violations=0.5, prior_requests=100, rate=rate)
    assert found == pytest.approx(beta.sf(rate, 0.5 + k, 99.5 + n - k), rel=1e-9, abs=1e-300)
