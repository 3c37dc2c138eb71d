"""Page-Hinkley against the running mean, for a fall, as River computes it; it keeps no reference.

Source: River 0.26, `river.drift.PageHinkley` with mode `down`.
"""

from dataclasses import dataclass

import numpy as np

from calibration.references.chart import Floats


@dataclass(frozen=True)
class PageHinkley:
    """How far the cumulative deviation from the running mean has fallen from its maximum."""

    delta: float
    """Tolerated deviation per score."""
    forgetting: float = 1.0 - 0.0001
    """What remains of the sum after each score."""
    first: int = 30
    """Scores before anything is judged."""

    def start(self, paths: int) -> Floats:
        """Scores, their mean, the sum and its maximum (River starts the maximum at -1)."""
        return np.tile([0.0, 0.0, 0.0, -1.0], (paths, 1))

    def step(self, state: Floats, scores: Floats) -> tuple[Floats, Floats]:
        """Maximum less sum is the statistic."""
        count = state[:, 0] + 1.0
        mean = state[:, 1] + (scores - state[:, 1]) / count
        total = self.forgetting * state[:, 2] + scores - mean + self.delta
        top = np.maximum(state[:, 3], total)
        return np.column_stack((count, mean, total, top)), np.where(count >= self.first, top - total, 0.0)
