"""The cumulative sum chart of standardised values, for a fall; it knows no law but mean and deviation.

Source: Page, Continuous inspection schemes, Biometrika 41 (1954); head start: Lucas and Crosier, Technometrics 24
(1982).
"""

from dataclasses import dataclass

import numpy as np

from calibration.references.chart import Floats


@dataclass(frozen=True)
class Cusum:
    """S <- max(0, S + z - k), where z is how many deviations the value lies below the mean."""

    reference: float
    """k: half the shift that is looked for, in deviations."""
    mean: float = 0.0
    deviation: float = 1.0
    head_start: float = 0.0

    def start(self, paths: int) -> Floats:
        """S."""
        return np.full((paths, 1), self.head_start)

    def step(self, state: Floats, scores: Floats) -> tuple[Floats, Floats]:
        """S afterwards is the statistic."""
        fallen = (self.mean - scores) / self.deviation
        sums = np.maximum(0.0, state[:, 0] + fallen - self.reference)
        return sums[:, None], sums


@dataclass(frozen=True)
class TwoSidedCusum:
    """The larger of the sums for a fall and for a rise."""

    reference: float
    head_start: float = 0.0

    def start(self, paths: int) -> Floats:
        """Both sums."""
        return np.full((paths, 2), self.head_start)

    def step(self, state: Floats, scores: Floats) -> tuple[Floats, Floats]:
        """Values are standardised."""
        sums = np.maximum(0.0, state + np.column_stack((-scores, scores)) - self.reference)
        return sums, sums.max(axis=1)
