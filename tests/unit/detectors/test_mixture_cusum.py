"""The mixture CUSUM, against recomputed values, exact run lengths and its guarantee."""

from itertools import count
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detectors import shiryaev_roberts
from streams.detectors.mixture_cusum import Bernoulli, advance, bernoulli, idled, log_mean

STREAM = (0, 1, 0, 0, 1, 1, 0, 1)
MIXTURE = bernoulli(0.02, (0.05, 0.1, 0.2, 0.4, 0.7))
RATIOS = st.floats(-3, 3)


def _outcome(weights: Bernoulli, hit: int) -> tuple[float, ...]:
    return weights.hit if hit else weights.miss


def test_the_mixture_has_the_recomputed_values() -> None:
    logs, means = (0.0,) * 5, []
    for hit in STREAM:
        logs, mean = advance(logs, _outcome(MIXTURE, hit))
        means.append(mean)
    expected = [-0.322288, 2.674149, 2.031767, 1.568904, 4.272018, 7.352839, 6.612302, 9.749490]
    assert means == pytest.approx(expected, abs=1e-6)


def test_the_shiryaev_roberts_form_has_the_recomputed_values() -> None:
    evidence, means = shiryaev_roberts.nothing(5), []
    for hit in STREAM:
        evidence, mean = shiryaev_roberts.advance(evidence, _outcome(MIXTURE, hit))
        means.append(mean)
    expected = [-0.322288, 3.096823, 2.576682, 2.256152, 4.940744, 7.968437, 7.259169, 10.358638]
    assert means == pytest.approx(expected, abs=1e-6)


@given(st.lists(RATIOS, max_size=60))
def test_one_component_is_the_likelihood_ratio_cusum(ratios: list[float]) -> None:
    logs, page = (0.0,), 0.0
    for ratio in ratios:
        logs, mean = advance(logs, (ratio,))
        page = max(0.0, page + ratio)
        assert mean == logs[0]
        assert max(0.0, mean) == pytest.approx(page, abs=1e-12)


@given(st.lists(RATIOS, max_size=60))
def test_one_component_is_the_likelihood_ratio_shiryaev_roberts(ratios: list[float]) -> None:
    evidence, plain = (0.0,), 0.0
    for ratio in ratios:
        evidence, mean = shiryaev_roberts.advance(evidence, (ratio,))
        plain = (1.0 + plain) * np.exp(ratio)
        assert mean == pytest.approx(np.log(plain), abs=1e-9)


@pytest.mark.parametrize(
    ("h", "rate", "run_length"),
    [
        (2, 0.005, 148_756), (2, 0.02, 2579.30), (2, 0.05, 226.25), (2, 0.1, 51.52), (2, 0.5, 6.01),
        (3, 0.01, 513_132), (3, 0.02, 28_787), (3, 0.2, 25.29), (3, 0.3, 14.56), (4, 0.05, 2251.98),
        (5, 0.1, 190.67), (5, 0.5, 12.56),
    ],
)  # fmt: skip
def test_one_alternative_has_the_exact_run_lengths_of_the_bernoulli_cusum(
    h: int, rate: float, run_length: float
) -> None:
    """A chain over the statistic's own steps: with k = 1/12 it moves on twelfths of ln(hit/miss)."""
    weights = _with_reference(12)
    unit = (weights.hit[0] - weights.miss[0]) / 12
    chain = np.eye(12 * h)
    for state in range(12 * h):
        for outcome, chance in ((weights.hit, rate), (weights.miss, 1 - rate)):
            (moved,), _ = advance((state * unit,), outcome)
            reached = round(max(0.0, moved) / unit)
            if reached < 12 * h:
                chain[state, reached] -= chance
    assert np.linalg.solve(chain, np.ones(12 * h))[0] == pytest.approx(run_length, rel=5e-5, abs=6e-3)


def _with_reference(m: int) -> Bernoulli:
    """Likelihood ratios whose CUSUM is S + X - 1/m in units of ln(hit/miss), for p0 = 0.02."""
    low, high = 0.021, 0.9
    for _ in range(80):
        middle = (low + high) / 2
        weights = bernoulli(0.02, [middle])
        reference = -weights.miss[0] / (weights.hit[0] - weights.miss[0])
        low, high = (middle, high) if reference < 1 / m else (low, middle)
    return bernoulli(0.02, [(low + high) / 2])


@pytest.mark.parametrize("form", [(advance, (0.0,) * 5), (shiryaev_roberts.advance, (0.0,) * 5)], ids=["cusum", "sr"])
def test_the_mean_time_to_a_false_alarm_is_at_least_the_bound(form: tuple) -> None:
    step, start = form
    chance, times = np.random.default_rng(5), []
    for _ in range(150):
        state = start
        for time in count(1):
            state, mean = step(state, _outcome(MIXTURE, int(chance.random() < 0.02)))
            if mean >= log(50):
                times.append(time)
                break
    assert np.mean(times) - 3 * np.std(times) / np.sqrt(len(times)) >= 50


@given(st.lists(st.floats(-2, 30), min_size=1, max_size=4), st.floats(0.001, 2), st.integers(0, 50))
def test_a_run_of_clean_requests_is_settled_at_once(logs: list[float], fall: float, times: int) -> None:
    ratios = (-fall,) * len(logs)
    eager = tuple(logs)
    for _ in range(times):
        eager, _ = advance(eager, ratios)
    settled = idled(tuple(logs), ratios, times=times)
    assert settled == pytest.approx([max(0.0, one) for one in eager], abs=1e-9)


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=8))
def test_the_mean_lies_between_its_parts_and_never_overflows(logs: list[float]) -> None:
    assert min(logs) - 1e-9 <= log_mean(logs) <= max(logs) + 1e-9
