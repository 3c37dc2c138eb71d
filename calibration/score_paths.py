"""Many paths of scores through one chart: how long until it alarms, with and without a change; it judges no result."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from calibration.references.chart import Chart, Floats

Draw = Callable[[np.random.Generator, Floats, int], Floats]
"""(generator, previous score per path, moment) → next score per path; moments before the change are negative."""


class Measured(NamedTuple):
    """A mean with its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, values: Floats) -> "Measured":
        """Mean and standard error of independent values."""
        return cls(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))))


class Size(NamedTuple):
    """How much is simulated."""

    paths: int
    before: int = 0
    """Scores before the change; a path that alarms there is left out."""
    longest: int = 400_000
    """Scores after which a path is given up, and counts as silent for so long."""


def waits(chart: Chart, threshold: float, draw: Draw, *, seed: int, size: Size) -> Floats:
    """Scores from the change to the alarm of every path; with no change drawn, the times to a false alarm."""
    rng, state, scores = np.random.default_rng(seed), chart.start(size.paths), np.full(size.paths, 0.5)
    found: list[Floats] = []
    for moment in range(-size.before, size.longest):
        scores = draw(rng, scores, moment)
        state, statistic = chart.step(state, scores)
        over = statistic >= threshold
        if not over.any():
            continue
        if moment >= 0:
            found.append(np.full(int(over.sum()), moment + 1.0))
        state, scores = state[~over], scores[~over]
        if not len(state):
            break
    return np.concatenate([*found, np.full(len(state), size.longest + 1.0)])


def dropping(mean: float, *, over: int = 0) -> Draw:
    """Beta scores of mean 0.85 before the change and `mean` after it, or on the way there for `over` scores."""

    def draw(rng: np.random.Generator, scores: Floats, moment: int) -> Floats:
        share = 0.0 if moment < 0 else min(1.0, (moment + 1) / over) if over else 1.0
        now = 0.85 + share * (mean - 0.85)
        return rng.beta(10.0 * now, 10.0 * (1.0 - now), len(scores))

    return draw


def bernoulli(rng: np.random.Generator, scores: Floats, moment: int) -> Floats:
    """0 or 1, with mean 0.85."""
    return (rng.random(len(scores)) < 0.85).astype(float)


def constant(rng: np.random.Generator, scores: Floats, moment: int) -> Floats:
    """Nothing but 0.85."""
    return np.full(len(scores), 0.85)


def swinging(rng: np.random.Generator, scores: Floats, moment: int) -> Floats:
    """After a score above 0.85 the next is 0 or 1, else it is close to 0.85: the mean given the past is always 0.85."""
    return np.where(scores > 0.85, bernoulli(rng, scores, moment), rng.beta(85.0, 15.0, len(scores)))


def chasing(rng: np.random.Generator, scores: Floats, moment: int) -> Floats:
    """A step up to 0.95 or down, the further the lower the last score was: the mean given the past is always 0.85."""
    fall, rise = 0.05 + 0.4 * (1.0 - scores), 0.1
    low = rng.random(len(scores)) < rise / (rise + fall)
    return np.where(low, 0.85 - fall, 0.85 + rise)
