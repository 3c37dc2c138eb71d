"""The contract of a control chart over many independent paths at once; which paths there are is the caller's matter."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


class Chart(Protocol):
    """A statistic that is compared with a threshold after every score; larger means more abnormal."""

    def start(self, paths: int) -> Floats:
        """The state of so many paths: one row each."""
        ...

    def step(self, state: Floats, scores: Floats) -> tuple[Floats, Floats]:
        """Apply one score per path; returns the new states and the statistics."""
        ...
