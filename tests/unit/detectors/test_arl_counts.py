"""Run lengths of count charts, by an exact chain and by our own likelihood ratio, against the published tables."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from streams.detectors.negative_binomial import log_ratio


def _mean_run_length(states: int, moves: Callable[[Any], Any], chances: Any) -> float:
    """Mean steps to absorption from state 0; `moves(x)` gives the next state of every state, absorbed at `states`."""
    chain = np.zeros((states, states + 1))
    for x, chance in enumerate(chances):
        np.add.at(chain, (np.arange(states), np.clip(moves(x), 0, states)), chance)
    return float(np.linalg.solve(np.eye(states) - chain[:, :states], np.ones(states))[0])


def _poisson_cusum(reference: float, bound: int, mean: float, *, parts: int = 4) -> float:
    """S <- max(0, S + X - k) on a lattice of 1/parts, alarm at S >= h."""
    states, chances = bound * parts, poisson.pmf(np.arange(200), mean)
    return _mean_run_length(states, lambda x: np.arange(states) + round((x - reference) * parts), chances)


@pytest.mark.parametrize(
    ("reference", "bound", "mean", "expected"),
    [
        (0.25, 10, 0.25, 438.125), (1.5, 4, 1, 121.95), (1.5, 4, 1.5, 18.16), (1.5, 4, 2, 7.51), (1.5, 4, 3, 3.37),
        (1.5, 5, 1, 273.65), (1.5, 5, 1.5, 25.73), (1.5, 5, 2, 9.44), (1.5, 5, 3, 4.03), (1.5, 7, 1, 1309.38),
        (1.5, 7, 1.5, 44.89), (1.5, 7, 2, 13.39), (1.5, 7, 3, 5.36), (0.75, 5, 0.5, 428.05), (0.75, 5, 1, 17.47),
        (0.75, 5, 1.5, 7.42), (5.5, 10, 4, 2068.42), (5.5, 10, 5, 75.37), (5.5, 10, 5.5, 28.49), (5.5, 10, 7, 7.20),
        (5.5, 10, 8, 4.72), (5.5, 12, 4, 6988.89), (5.5, 12, 5, 121.90), (5.5, 12, 5.5, 38.30), (5.5, 12, 7, 8.53),
        (5.5, 12, 8, 5.52), (12, 20, 10, 5881.28), (12, 20, 12, 46.45), (12, 20, 15, 7.31), (12, 20, 20, 3.08),
    ],
)  # fmt: skip
def test_the_poisson_chart_has_its_exact_run_lengths(
    reference: float, bound: int, mean: float, expected: float
) -> None:
    assert _poisson_cusum(reference, bound, mean) == pytest.approx(expected, abs=0.0051)


def _ratio(count: int) -> float:
    """The increment of the reference design: mean 10 against 20, var = mu + mu²/2."""
    return log_ratio(count, 10.0, size=2.0, multiplier=2.0)


def _binomial_cusum(mean: float, *, states: int = 2000, bound: float = 5.0) -> float:
    """The LR chart on a fine lattice: the state is held in the middle of its cell, 0 exactly."""
    width = bound / (states - 0.5)
    moves = np.array([_ratio(x) for x in range(600)]) / width
    chances = nbinom.pmf(np.arange(600), 2.0, 2.0 / (2.0 + mean))
    return _mean_run_length(states, lambda x: np.floor(np.arange(states) + moves[x] + 0.5).astype(int), chances)


@pytest.mark.parametrize(("mean", "expected", "tolerance"), [(10.0, 1346.5, 1.5), (20.0, 10.40, 0.01)])
def test_the_negative_binomial_chart_has_its_exact_run_lengths(mean: float, expected: float, tolerance: float) -> None:
    assert _binomial_cusum(mean) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(("mean", "expected", "runs"), [(10.0, 1346.5, 1500), (20.0, 10.40, 20_000)])
def test_simulated_run_lengths_are_within_three_standard_errors(mean: float, expected: float, runs: int) -> None:
    rng = np.random.default_rng(21)
    ratios = np.array([_ratio(x) for x in range(2000)])
    held, lengths, alive = np.zeros(runs), np.zeros(runs), np.arange(runs)
    for step in range(1, 40_000):
        held[alive] = np.maximum(0.0, held[alive] + ratios[rng.poisson(mean * rng.gamma(2.0, 0.5, len(alive)))])
        lengths[alive[held[alive] >= 5.0]] = step
        alive = alive[held[alive] < 5.0]
        if not len(alive):
            break
    assert np.mean(lengths) == pytest.approx(expected, abs=3 * np.std(lengths) / runs**0.5)
