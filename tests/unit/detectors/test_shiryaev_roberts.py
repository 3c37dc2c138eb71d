"""The mixture statistic, against recomputed values, a direct computation, and its promise."""

from math import exp, isfinite, log, log1p

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detectors.betting import log_wins
from streams.detectors.negative_binomial import log_ratio, predictive_size
from streams.detectors.shiryaev_roberts import advance, nothing

BETS = (0.03, 0.06, 0.125, 0.25, 0.5, 0.9)
MULTIPLIERS = (1.5, 2.0, 3.0, 5.0)


def _log_means(observations: list[list[float]]) -> list[float]:
    evidence, values = nothing(len(observations[0])), []
    for logs in observations:
        evidence, value = advance(evidence, logs)
        values.append(value)
    return values


def test_counts_give_the_recomputed_values() -> None:
    size = predictive_size(15, 0.1)
    logs = [[log_ratio(x, 4.0, size=size, multiplier=c) for c in MULTIPLIERS] for x in (4, 6, 3, 9, 12, 10)]
    expected = [-1.103529, 0.156607, -0.369488, 1.775596, 4.832025, 6.806071]
    assert _log_means(logs) == pytest.approx(expected, abs=1e-6)


def test_scores_give_the_recomputed_values() -> None:
    logs = [log_wins(x, 0.85, bets=BETS) for x in (0.9, 0.8, 0.2, 0.7, 0.95, 0.1, 0.6, 0.3)]
    expected = [0.896389, 2.082451, 7.3284, 12.246639, 8.554077, 28.695679, 57.890043, 200.107197]
    assert [exp(x) for x in _log_means(logs)] == pytest.approx(expected, abs=1e-6)


def test_blocked_requests_give_the_recomputed_values() -> None:
    rates = (0.05, 0.1, 0.2, 0.4, 0.7)
    logs = [[log(p / 0.02) if x else log((1 - p) / 0.98) for p in rates] for x in (0, 1, 0, 0, 1, 1, 0, 1)]
    expected = [-0.322288, 3.096823, 2.576682, 2.256152, 4.940744, 7.968437, 7.259169, 10.358638]
    assert _log_means(logs) == pytest.approx(expected, abs=1e-6)


LOGS = st.lists(st.floats(-30, 30), min_size=1, max_size=12)


@given(LOGS)
def test_a_mixture_of_one_component_is_the_plain_statistic(logs: list[float]) -> None:
    plain = 0.0
    for value, mixed in zip(logs, _log_means([[x] for x in logs]), strict=True):
        plain = (1.0 + plain) * exp(value)
        assert mixed == pytest.approx(log(plain), rel=1e-9, abs=1e-9)


@given(LOGS)
def test_equal_components_change_nothing(logs: list[float]) -> None:
    assert _log_means([[x, x, x] for x in logs]) == pytest.approx(_log_means([[x] for x in logs]), abs=1e-12)


@given(st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=50))
def test_the_statistic_is_always_a_number(logs: list[float]) -> None:
    evidence = nothing(2)
    for value in logs:
        evidence, log_mean = advance(evidence, [value, -value])
        assert isfinite(log_mean)
        assert all(isfinite(x) and x >= 0.0 for x in evidence)


@given(st.floats(0, 1), st.floats(0, 0.999), st.floats(0.001, 0.999))
def test_every_bet_can_be_paid(score: float, mean: float, bet: float) -> None:
    (win,) = log_wins(score, mean, bets=[bet])
    assert isfinite(win)
    assert win >= log1p(-bet) - 1e-12


def _steps_until(threshold: float, rng: np.random.Generator, *, series: int, copies: int) -> int:
    """Steps until the first of `series * copies` statistics over null counts reaches the threshold."""
    held = [nothing(len(MULTIPLIERS))] * series
    for step in range(1, 100_000):
        counts = rng.poisson(10 * rng.gamma(15, 1 / 15, series))
        moved = [
            advance(e, [log_ratio(int(x), 10.0, size=15.0, multiplier=c) for c in MULTIPLIERS])
            for e, x in zip(held, counts, strict=True)
        ]
        held = [evidence for evidence, _ in moved]
        if max(value for _, value in moved) >= log(threshold * series * copies):
            return step
    raise AssertionError("the statistic never reached its threshold")


@pytest.mark.parametrize(("series", "copies"), [(10, 1), (2, 5)], ids=["independent", "duplicated"])
def test_the_first_false_alarm_of_a_fleet_takes_at_least_its_budget(series: int, copies: int) -> None:
    rng = np.random.default_rng(11)
    waits = [_steps_until(20.0, rng, series=series, copies=copies) for _ in range(40)]
    assert np.mean(waits) >= 20.0


def test_the_false_alarm_time_of_scores_is_close_to_its_bound() -> None:
    rng = np.random.default_rng(7)
    waits = []
    for _ in range(300):
        evidence, value, count = nothing(len(BETS)), -1.0, 0
        while value < log(100.0):
            count += 1
            evidence, value = advance(evidence, log_wins(float(rng.beta(8.5, 1.5)), 0.85, bets=BETS))
        waits.append(count)
    assert 100.0 <= np.mean(waits) <= 170.0
