"""Bets on scores: what the detector makes of them, against recomputed values of both forms and its promise."""

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detectors.betting import log_wins
from streams.detectors.shiryaev_roberts import advance, nothing

BETS = (0.03, 0.06, 0.125, 0.25, 0.5, 0.9)
SCORES = (0.9, 0.8, 0.2, 0.7, 0.95, 0.1, 0.6, 0.3)


def test_shiryaev_roberts_gives_the_recomputed_values() -> None:
    evidence, values = nothing(len(BETS)), []
    for score in SCORES:
        evidence, value = advance(evidence, log_wins(score, 0.85, bets=BETS))
        values.append(exp(value))
    expected = [0.896389, 2.082451, 7.3284, 12.246639, 8.554077, 28.695679, 57.890043, 200.107197]
    assert values == pytest.approx(expected, abs=1e-6)


def test_the_cumulative_sum_gives_the_recomputed_values() -> None:
    held, values = np.zeros(len(BETS)), []
    for score in SCORES:
        held = np.maximum(held, 0.0) + log_wins(score, 0.85, bets=BETS)
        values.append(float(np.exp(held).mean()))
    expected = [0.896389, 1.103611, 2.725632, 4.135056, 2.500427, 8.427168, 17.379889, 62.722327]
    assert values == pytest.approx(expected, abs=1e-6)


@given(st.floats(0, 0.999), st.floats(0.001, 0.999), st.floats(0, 1))
def test_a_bet_is_fair_at_the_null_mean_and_loses_above_it(mean: float, bet: float, above: float) -> None:
    """Scores of 0 and 1 are the extreme points of all laws on [0, 1]: what holds for them holds for every law."""
    share = mean + above * (1.0 - mean)
    win, loss = (exp(log_wins(score, mean, bets=[bet])[0]) for score in (0.0, 1.0))
    assert (1.0 - share) * win + share * loss <= 1.0 + 1e-9
    assert (1.0 - mean) * win + mean * loss == pytest.approx(1.0)


@given(st.floats(0, 1), st.floats(0, 0.999))
def test_a_score_at_the_null_mean_wins_and_loses_nothing(score: float, mean: float) -> None:
    wins = log_wins(score, mean, bets=BETS)
    assert all((win > 0) == (score < mean) or abs(win) < 1e-12 for win in wins)
    assert max(wins) <= log(1.0 + 0.9 * (1.0 / (1.0 - mean) - 1.0)) + 1e-12
