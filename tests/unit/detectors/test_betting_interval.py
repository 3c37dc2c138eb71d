"""The interval covers, whenever one looks; it is what a direct computation gives; it is never too narrow."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detectors.betting_interval import Hundredths, bounds, counted


def _counts(scores: list[float]) -> Hundredths:
    counts: Hundredths = {}
    for score in scores:
        counts = counted(counts, score)
    return counts


def _directly(scores: np.ndarray) -> tuple[float, float]:
    """Hedged capital with diversified Kelly bets, score by score, over a fine grid of candidates."""
    candidates, stakes = np.linspace(0.0005, 0.9995, 1999), np.linspace(0.05, 0.95, 10)
    above = np.zeros((len(candidates), len(stakes)))
    below = np.zeros_like(above)
    for score in scores:
        above += np.log1p(stakes * (score / candidates - 1.0)[:, None])
        below += np.log1p(stakes * ((1.0 - score) / (1.0 - candidates) - 1.0)[:, None])
    capitals = [np.logaddexp.reduce(logs, axis=1) - np.log(len(stakes)) for logs in (above, below)]
    standing = candidates[np.maximum(*capitals) < np.log(40.0)]
    return float(standing[0]), float(standing[-1])


@pytest.mark.parametrize(("mean", "many"), [(0.75, 25), (0.8, 60), (0.5, 200), (0.97, 300)])
def test_it_is_what_the_direct_computation_gives(mean: float, many: int) -> None:
    scores = np.round(np.random.default_rng(3).beta(10 * mean, 10 * (1 - mean), many), 2)
    low, high = bounds(_counts([float(x) + 1e-9 for x in scores]))
    expected = _directly(scores)
    assert low == pytest.approx(expected[0], abs=0.001)
    assert expected[1] - 0.001 <= high <= expected[1] + 0.011


@given(st.lists(st.floats(0, 1), max_size=80))
def test_counting_in_hundredths_never_narrows_it(scores: list[float]) -> None:
    low, high = bounds(_counts(scores))
    expected = _directly(np.array(scores))
    assert 0.0 <= low <= expected[0] + 1e-3
    assert expected[1] - 1e-3 <= high <= 1.0


def test_nothing_is_known_before_the_first_score() -> None:
    assert bounds({}) == (0.0, 1.0)


@given(st.lists(st.floats(0, 1), max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_scores_does_not_matter(scores: list[float], chance: random.Random) -> None:
    shuffled = list(scores)
    chance.shuffle(shuffled)
    assert bounds(_counts(scores)) == pytest.approx(bounds(_counts(shuffled)), abs=1e-3)


LAWS = {
    "beta": lambda rng, shape: rng.beta(7.5, 2.5, shape),
    "bernoulli": lambda rng, shape: (rng.random(shape) < 0.75).astype(float),
    "constant": lambda rng, shape: np.full(shape, 0.75),
    "skewed": lambda rng, shape: np.where(rng.random(shape) < 0.15, rng.uniform(0, 0.2, shape), 0.735 / 0.85),
}


@pytest.mark.parametrize("law", LAWS)
def test_it_covers_the_mean_at_every_moment_at_once(law: str) -> None:
    """2,000 paths of 500 scores: the capital against the true mean is followed, and may ruin 5 % of the paths, ever."""
    paths = LAWS[law](np.random.default_rng(5), (2000, 500))
    mean, stakes = 0.75, np.linspace(0.05, 0.95, 10)
    lows = np.floor(paths * 100) / 100
    highs = np.minimum(lows + 0.01, 1.0)
    logs = [
        np.log(np.mean([np.exp(np.cumsum(np.log1p(stake * surplus), axis=1)) for stake in stakes], axis=0))
        for surplus in (lows / mean - 1.0, (1.0 - highs) / (1.0 - mean) - 1.0)
    ]
    missed = (np.maximum(*logs) >= np.log(40.0)).any(axis=1)
    assert missed.mean() <= 0.05


def test_it_narrows_as_scores_come() -> None:
    scores = [float(x) for x in np.random.default_rng(1).beta(7.5, 2.5, 800)]
    widths = [high - low for low, high in (bounds(_counts(scores[:many])) for many in (10, 50, 200, 800))]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.06
