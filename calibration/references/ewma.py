"""The exponentially weighted moving average chart; it knows no law but mean and deviation.

Source: Roberts, Technometrics 1 (1959); Lucas and Saccucci, Technometrics 32 (1990).
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from calibration.references.chart import Floats


@dataclass(frozen=True)
class Ewma:
    """Z <- (1 - weight) Z + weight z in units of its limiting deviation, for a fall or for both directions."""

    weight: float
    mean: float = 0.0
    deviation: float = 1.0
    sided: int = 1
    """1: falls only; 2: falls and rises."""

    def start(self, paths: int) -> Floats:
        """Z."""
        return np.zeros((paths, 1))

    def step(self, state: Floats, scores: Floats) -> tuple[Floats, Floats]:
        """Z in deviations is the statistic."""
        average = (1.0 - self.weight) * state[:, 0] + self.weight * (self.mean - scores) / self.deviation
        scaled = average / sqrt(self.weight / (2.0 - self.weight))
        return average[:, None], scaled if self.sided == 1 else np.abs(scaled)
