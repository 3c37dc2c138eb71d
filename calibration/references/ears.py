"""EARS C1, C2 and C3: a count against the mean and deviation of the seven before it; no season, no trend.

Source: Hutwagner et al., The bioterrorism preparedness and response Early Aberration Reporting System (EARS),
J Urban Health 80 (2003); conventions of the R package surveillance, `earsC`. Series run along the last axis.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]

GAP = 2
"""Points between baseline and count in C2 and C3."""


def excess(counts: ArrayLike, *, baseline: int = 7, gap: int = 0, floor: float = 0.0) -> Floats:
    """Deviations by which each count from index `baseline + gap` on exceeds the mean of its baseline.

    `floor` is the least standard deviation; at 0, a count after equal counts exceeds them infinitely, or by NaN.
    """
    mean, deviation = _moments(counts, baseline=baseline, gap=gap, floor=floor)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((np.asarray(counts, float)[..., baseline + gap :] - mean) / deviation)


def c1_bounds(counts: ArrayLike, *, alpha: float = 0.001, baseline: int = 7, floor: float = 0.0) -> Floats:
    """Upper bounds of the counts from index `baseline` on.

    >>> c1_bounds([2, 2, 2, 2, 2, 2, 2, 9]).tolist()
    [2.0]
    """
    mean, deviation = _moments(counts, baseline=baseline, gap=0, floor=floor)
    return np.asarray(mean + norm.isf(alpha) * deviation)


def c2_bounds(counts: ArrayLike, *, alpha: float = 0.001, baseline: int = 7, floor: float = 0.0) -> Floats:
    """Upper bounds of the counts from index `baseline + 2` on."""
    mean, deviation = _moments(counts, baseline=baseline, gap=GAP, floor=floor)
    return np.asarray(mean + norm.isf(alpha) * deviation)


def c3_bounds(counts: ArrayLike, *, alpha: float = 0.025, baseline: int = 7, floor: float = 0.0) -> Floats:
    """Upper bounds of the counts from index `baseline + 4` on: the excess of the two before is taken into account."""
    observed = np.asarray(counts, float)[..., baseline + GAP + 2 :]
    beyond = np.maximum(0.0, excess(counts, baseline=baseline, gap=GAP, floor=floor) - 1.0)
    recent = beyond[..., 1:-1] + beyond[..., :-2]
    deviation = _moments(counts, baseline=baseline, gap=GAP, floor=floor)[1][..., 2:]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.maximum(0.0, observed + deviation * (norm.isf(alpha) - recent)))


def _moments(counts: ArrayLike, *, baseline: int, gap: int, floor: float) -> tuple[Floats, Floats]:
    values = np.asarray(counts, float)
    windows = np.lib.stride_tricks.sliding_window_view(values[..., : values.shape[-1] - gap - 1], baseline, axis=-1)
    mean = windows.mean(axis=-1)
    variance = ((windows - mean[..., np.newaxis]) ** 2).sum(axis=-1) / (baseline - 1)
    return mean, np.maximum(np.sqrt(variance), floor)
