"""Bounds that hold at all times at once, against published values and their own promise."""

from math import inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.detectors.anytime import (
    bernoulli_range,
    bound,
    log_beta_binomial,
    log_beta_binomial_above,
    log_gamma_poisson,
)
from streams.detectors.confidence import wilson

BETA = {"v_opt": 100.0, "g": 0.2, "h": 0.8}
GAMMA = {"v_opt": 100.0, "c": 2.0}


def test_the_mixtures_have_the_published_values() -> None:
    assert log_beta_binomial_above(10, 100, **BETA) == pytest.approx(-0.07134019, abs=1e-5)
    assert log_beta_binomial(10, 100, **BETA) == pytest.approx(-0.6941012, abs=1e-5)
    assert log_gamma_poisson(10, 100, **GAMMA) == pytest.approx(-0.06991219, abs=1e-5)


def test_their_bounds_have_the_published_values() -> None:
    assert bound(lambda s: log_beta_binomial_above(s, 100, **BETA), alpha=0.05) == pytest.approx(28.41238, abs=1e-5)
    assert bound(lambda s: log_beta_binomial(s, 100, **BETA), alpha=0.05) == pytest.approx(31.4308, abs=1e-5)
    assert bound(lambda s: log_gamma_poisson(s, 100, **GAMMA), alpha=0.05) == pytest.approx(30.1949, abs=1e-5)


@pytest.mark.parametrize(
    ("hits", "trials", "t_opt", "expected"),
    [
        (700, 1000, 100, (0.651629, 0.745949)),
        (15, 50, 50, (0.129556, 0.511896)),
        (5, 50, 50, (0.013021, 0.269264)),
        (1, 50, 50, (0, 0.13489)),
        (100, 200, 1, (0.328923, 0.671076)),
        (0, 1, 50, (0, 1)),
    ],
)
def test_the_range_of_a_rate_has_the_published_values(
    hits: int, trials: int, t_opt: float, expected: tuple[float, float]
) -> None:
    assert bernoulli_range(hits, trials, t_opt=t_opt) == pytest.approx(expected, abs=1e-5)


@settings(deadline=None)
@given(st.integers(10, 2000).flatmap(lambda n: st.tuples(st.integers(5, n - 5), st.just(n))))
def test_looking_whenever_one_likes_costs_width(counts: tuple[int, int]) -> None:
    hits, trials = counts
    low, high = bernoulli_range(hits, trials, t_opt=100)
    once = wilson(hits, trials)
    assert 0.0 <= low <= hits / trials <= high <= 1.0
    assert high - low >= once.high - once.low


def test_the_range_covers_the_rate_at_all_times_at_once() -> None:
    """0.05 promised; looked at after each of 300 requests, where Wilson's misses far more often."""
    chance, missed, once = np.random.default_rng(3), 0, 0
    for _ in range(400):
        hits = np.cumsum(chance.random(300) < 0.1)
        trials = np.arange(1, 301)
        s, v = hits - 0.1 * trials, 0.09 * trials
        values = [log_beta_binomial(a, b, v_opt=9.0, g=0.1, h=0.9) for a, b in zip(s, v, strict=True)]
        missed += max(values) >= log(20)
        once += any(not low <= 0.1 <= high for low, high in map(wilson, hits.tolist()[9:], trials.tolist()[9:]))
    assert missed / 400 <= 0.05
    assert once / 400 >= 0.15


def test_impossible_sums_are_no_evidence() -> None:
    assert log_beta_binomial_above(-12_000, 10_000, **BETA) == -inf
