"""The posterior on how many times the expected count came: where it lies, and how often it holds the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detectors.multiplier import multiplier


def test_it_is_the_posterior_that_a_grid_gives() -> None:
    found = multiplier(58, 11.3, size=40.0)
    grid = np.exp(np.linspace(-4, 5, 400_000))
    mean = grid * 11.3
    logs = 58 * np.log(mean / (40 + mean)) + 40 * np.log(40 / (40 + mean))
    jeffreys = 1 / np.sqrt(mean * (1 + mean / 40))
    weights = np.exp(logs - logs.max()) * jeffreys * grid
    cumulated = np.cumsum(weights) / weights.sum()
    expected = [grid[np.searchsorted(cumulated, q)] for q in (0.05, 0.5, 0.95)]
    assert [found.low, found.median, found.high] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("expected", "size", "times"), [(4.0, 15.0, 1.5), (4.0, 15.0, 5.0), (40.0, 60.0, 2.0), (0.5, 15.0, 8.0)]
)
def test_nine_of_ten_intervals_hold_the_truth(expected: float, size: float, times: float) -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(times * expected * rng.gamma(size, 1 / size, 4000))
    intervals = {int(seen): multiplier(int(seen), expected, size=size) for seen in np.unique(counts)}
    held = [intervals[int(seen)].low <= times <= intervals[int(seen)].high for seen in counts]
    below = [times < intervals[int(seen)].low for seen in counts]
    assert np.mean(held) == pytest.approx(0.9, abs=0.025)
    assert np.mean(below) == pytest.approx(0.05, abs=0.02)


def test_without_noise_of_its_own_it_is_the_gamma_posterior_of_a_poisson_count() -> None:
    found = multiplier(20, 5.0, size=1e9)
    assert found.median == pytest.approx(4.034, abs=0.001)


@given(st.integers(0, 10**6), st.floats(0.01, 1e5), st.floats(0.1, 1e4))
def test_the_bounds_are_in_order_and_finite(seen: int, expected: float, size: float) -> None:
    found = multiplier(seen, expected, size=size)
    assert 0.0 <= found.low <= found.median <= found.high < float("inf")


@given(st.integers(0, 500), st.floats(0.1, 100), st.floats(1, 100))
def test_more_seen_is_a_higher_multiplier(seen: int, expected: float, size: float) -> None:
    assert multiplier(seen, expected, size=size).median < multiplier(seen + 1, expected, size=size).median
