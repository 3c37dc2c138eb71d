"""Likelihood ratios of counts, against recomputed values and the distribution itself."""

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from streams.detectors.negative_binomial import log_ratio, predictive_size


def test_the_predictive_distribution_has_the_recomputed_tail() -> None:
    size = predictive_size(15, 0.1)
    assert size == pytest.approx(13.043478, abs=5e-7)
    assert size / (size + 4) == pytest.approx(0.765306, abs=5e-7)
    tail = [nbinom.sf(count - 1, size, size / (size + 4)) for count in (4, 8, 12, 16)]
    assert tail == pytest.approx([0.54065129, 0.07559579, 0.00424976, 0.00013492], abs=5e-9)


def test_a_single_ratio_has_the_recomputed_value() -> None:
    # The printed 1.59105095 came from a rounded size; exact arithmetic gives 1.59105093.
    assert log_ratio(9, 4.0, size=predictive_size(15, 0.1), multiplier=2.0) == pytest.approx(1.59105095, abs=5e-8)


def test_the_cusum_increment_of_the_reference_design_is_met() -> None:
    assert log_ratio(0, 10.0, size=2.0, multiplier=2.0) == pytest.approx(-1.21227161, abs=5e-9)
    slope = log_ratio(1, 10.0, size=2.0, multiplier=2.0) - log_ratio(0, 10.0, size=2.0, multiplier=2.0)
    assert slope == pytest.approx(0.08701138, abs=5e-9)


@pytest.mark.parametrize(
    ("shape", "rate", "count", "expected"),
    [(20, 10, 5, 0.0612334), (20, 10, 8, 0.00212671), (2, 1, 10, 0.005859375), (200, 100, 5, 0.05355075)],
)
def test_a_gamma_poisson_history_of_one_exposure_predicts_by_its_size(
    shape: int, rate: int, count: int, expected: float
) -> None:
    size, mean = float(shape), shape / rate
    assert nbinom.sf(count - 1, size, size / (size + mean)) == pytest.approx(expected, rel=1e-5)
    risen = nbinom.pmf(count, size, size / (size + 2 * mean)) / nbinom.pmf(count, size, size / (size + mean))
    assert exp(log_ratio(count, mean, size=size, multiplier=2.0)) == pytest.approx(risen)


@given(st.integers(0, 300), st.floats(0.2, 80), st.floats(0.5, 50), st.floats(1.1, 6))
def test_it_is_the_ratio_of_two_distributions(count: int, mean: float, size: float, multiplier: float) -> None:
    risen = nbinom.logpmf(count, size, size / (size + multiplier * mean))
    expected = risen - nbinom.logpmf(count, size, size / (size + mean))
    assert log_ratio(count, mean, size=size, multiplier=multiplier) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(st.integers(0, 10**6), st.floats(0.2, 1e5))
def test_a_higher_count_is_never_weaker_evidence(count: int, mean: float) -> None:
    lower, higher = (log_ratio(x, mean, size=15.0, multiplier=1.5) for x in (count, count + 1))
    assert higher > lower
