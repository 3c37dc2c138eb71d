"""Run lengths on normal values: published tables by an integral equation, the charts of the calibration by simulation.

The mean run length L solves L(z) = 1 + (chance of landing where the chart starts afresh) L(start) + the integral of L
over the places where it may land; with Gauss-Legendre nodes this is a linear system (Nystrom).
"""

from collections.abc import Callable
from math import exp, sqrt

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from calibration.references.chart import Chart
from calibration.references.cusum import Cusum, TwoSidedCusum
from calibration.references.ewma import Ewma
from calibration.score_paths import Draw, Measured, Size, waits
from streams.detectors.shiryaev_roberts import advance, nothing

NODES, WEIGHTS = np.polynomial.legendre.leggauss(100)


def cusum_arl(k: float, h: float, shift: float = 0.0, *, start: float = 0.0) -> float:
    """One-sided, from `start`."""
    return float(cusum_arls(k, h, shift, np.array([start]))[0])


def cusum_arls(k: float, h: float, shift: float, starts: np.ndarray) -> np.ndarray:
    """Of a sum that starts at each of these places."""
    places, weights = np.append(0.0, (NODES + 1.0) * h / 2.0), WEIGHTS * h / 2.0

    def landing(start: np.ndarray) -> np.ndarray:
        at_zero = norm.cdf(k - start - shift)
        return np.column_stack((at_zero, weights * norm.pdf(places[None, 1:] + k - start[:, None] - shift)))

    lengths = np.linalg.solve(np.eye(len(places)) - landing(places), np.ones(len(places)))
    return 1.0 + landing(starts) @ lengths


def two_sided_arl(k: float, h: float, shift: float = 0.0, *, start: float = 0.0) -> float:
    """Both sums begin at `start` (Kemp 1961 for 0; Lucas and Crosier 1982 for a head start)."""
    up, down = cusum_arl(k, h, shift), cusum_arl(k, h, -shift)
    ahead_up, ahead_down = cusum_arl(k, h, shift, start=start), cusum_arl(k, h, -shift, start=start)
    return (ahead_up * down + up * ahead_down - up * down) / (up + down)


def steady_delay(k: float, h: float, shift: float) -> float:
    """Mean delay of a change long after the start: over the quasi-stationary law of the sum."""
    places, weights = (NODES + 1.0) * h / 2.0, WEIGHTS * h / 2.0
    held = np.zeros((len(places) + 1, len(places) + 1))
    held[1:, 1:] = weights * norm.pdf(places[None, :] + k - places[:, None])
    held[1:, 0] = norm.cdf(k - places)
    held[0, 1:] = weights * norm.pdf(places + k)
    held[0, 0] = norm.cdf(k)
    values, vectors = np.linalg.eig(held.T)
    law = np.abs(np.real(vectors[:, np.argmax(np.real(values))]))
    return float(law @ cusum_arls(k, h, shift, np.append(0.0, places)) / law.sum())


def ewma_arl(weight: float, width: float, shift: float) -> float:
    """Two-sided, from 0."""
    h = width * sqrt(weight / (2.0 - weight))
    places, weights = NODES * h, WEIGHTS * h

    def density(start: float | np.ndarray) -> np.ndarray:
        kept = (1.0 - weight) * np.asarray(start)[..., None]
        return weights * norm.pdf((places - kept) / weight - shift) / weight

    lengths = np.linalg.solve(np.eye(len(places)) - density(places), np.ones(len(places)))
    return float(1.0 + density(0.0) @ lengths)


def shiryaev_roberts_arl(theta: float, threshold: float, shift: float = 0.0) -> float:
    """R <- (1 + R) exp(theta x - theta^2 / 2) from 0; solved in ln R."""
    low, high = -12.0 * theta, np.log(threshold)
    places, weights = low + (NODES + 1.0) * (high - low) / 2.0, WEIGHTS * (high - low) / 2.0
    drift = theta * shift - theta**2 / 2.0

    def density(start: float | np.ndarray) -> np.ndarray:
        mean = np.log1p(np.asarray(start))[..., None] + drift
        return weights * norm.pdf((places - mean) / theta) / theta

    lengths = np.linalg.solve(np.eye(len(places)) - density(np.exp(places)), np.ones(len(places)))
    return float(1.0 + density(0.0) @ lengths)


SHIFTS = (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4)
TWO_SIDED_4 = (167.684, 74.224, 26.630, 13.285, 8.383, 4.747, 3.343, 2.620, 2.194, 1.708)
TWO_SIDED_5 = (465.444, 139.494, 37.996, 17.048, 10.376, 5.747, 4.009, 3.114, 2.573, 2.013)
ONE_SIDED_4 = (335.368, 77.079, 26.679, 13.287, 8.383, 4.747, 3.343, 2.620, 2.194, 1.708)
ONE_SIDED_5 = (930.887, 141.688, 38.010, 17.049, 10.376, 5.747, 4.009, 3.114, 2.573, 2.013)
AHEAD_4 = (148.696, 62.698, 20.064, 8.968, 5.287, 2.862, 2.014, 1.586, 1.325, 1.067)


@pytest.mark.parametrize(
    ("arl", "expected"),
    [
        (lambda shift: two_sided_arl(0.5, 4, shift), TWO_SIDED_4),
        (lambda shift: two_sided_arl(0.5, 5, shift), TWO_SIDED_5),
        (lambda shift: cusum_arl(0.5, 4, shift), ONE_SIDED_4),
        (lambda shift: cusum_arl(0.5, 5, shift), ONE_SIDED_5),
        (lambda shift: two_sided_arl(0.5, 4, shift, start=2), AHEAD_4),
    ],
    ids=["two-sided 4", "two-sided 5", "one-sided 4", "one-sided 5", "two-sided 4 with a head start"],
)
def test_the_normal_cusum_has_the_run_lengths_of_the_table(
    arl: Callable[[float], float], expected: tuple[float, ...]
) -> None:
    assert [arl(shift) for shift in SHIFTS] == pytest.approx(expected, abs=6e-4)


def test_published_anchors_of_the_cusum() -> None:
    waldmann = [cusum_arl(0.5, 3, shift) for shift in (-0.5, 0, 0.5, 1.5)]
    assert waldmann == pytest.approx([1962.79, 117.596, 17.351, 3.749], rel=5e-6, abs=6e-4)
    vance = [cusum_arl(0, 10, shift) for shift in (-0.25, -0.125, 0, 0.125, 0.25, 0.5, 0.75, 1)]
    assert vance == pytest.approx([2071.57, 400.28, 124.66, 59.30, 36.71, 20.37, 14.06, 10.75], abs=6e-3)
    assert two_sided_arl(0.25, 8, 2.5) == pytest.approx(4.150083726, abs=1e-6)
    assert cusum_arl(0.25, 8, 2.5, start=0.1) == pytest.approx(4.106158835, abs=1e-6)


@pytest.mark.parametrize(
    ("k", "h"), [(0.25, 8.0083), (0.5, 4.7738), (0.75, 3.3390), (1, 2.5163), (1.25, 1.9862), (1.5, 1.6041)]
)
def test_two_sided_thresholds_for_a_run_length_of_370(k: float, h: float) -> None:
    assert brentq(lambda bound: two_sided_arl(k, bound) - 370.0, 1, 10) == pytest.approx(h, abs=6e-5)


DESIGN = [
    (370, 4.0954, 8.573, 7.904, 6.7076, 23.668, 20.960),
    (500, 4.3891, 9.158, 8.467, 7.2673, 25.869, 23.010),
    (1000, 5.0707, 10.517, 9.788, 8.5851, 31.083, 27.937),
    (5000, 6.6693, 13.711, 12.936, 11.7357, 43.637, 40.098),
    (1e4, 7.3608, 15.094, 14.310, 13.1113, 49.133, 45.508),
    (5e4, 8.9688, 18.309, 17.516, 16.3203, 61.964, 58.242),
    (1e5, 9.6617, 19.695, 18.900, 17.7052, 67.503, 63.763),
]


@pytest.mark.parametrize("row", DESIGN, ids=lambda row: f"{row[0]:g}")
def test_the_design_table(row: tuple[float, ...]) -> None:
    for k, (h, zero_state, steady) in ((0.5, row[1:4]), (0.25, row[4:])):
        assert brentq(lambda bound, k=k: cusum_arl(k, bound) - row[0], 3, 20) == pytest.approx(h, abs=6e-5)
        assert cusum_arl(k, h, 2 * k) == pytest.approx(zero_state, abs=6e-4)
        assert steady_delay(k, h, 2 * k) == pytest.approx(steady, abs=1.5e-3)


def siegmund(k: float, h: float, shift: float) -> float:
    bound, drift = h + 1.166, shift - k
    return bound**2 if not drift else (exp(-2 * drift * bound) + 2 * drift * bound - 1) / (2 * drift**2)


@pytest.mark.parametrize(("h", "shift", "expected"), [(4, 0, 338.1), (5, 0, 938.2), (5, 1, 10.34), (5, 4, 1.72)])
def test_siegmund_comes_close_but_for_large_shifts(h: float, shift: float, expected: float) -> None:
    assert siegmund(0.5, h, shift) == pytest.approx(expected, rel=3e-3)
    assert siegmund(0.5, h, shift) == pytest.approx(cusum_arl(0.5, h, shift), rel=0.01 if shift < 4 else 0.15)


EWMA_SHIFTS = (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4)
EWMA = {
    (0.4, 3.054): (499.95, 223.73, 71.20, 28.42, 14.26, 5.88, 3.52, 2.02, 1.44),
    (0.25, 2.998): (499.84, 170.30, 48.29, 20.12, 11.14, 5.46, 3.61, 2.26, 1.73),
    (0.2, 2.962): (499.74, 150.22, 41.76, 18.15, 10.54, 5.50, 3.74, 2.38, 1.86),
    (0.1, 2.814): (499.58, 106.32, 31.30, 15.85, 10.33, 6.08, 4.36, 2.87, 2.19),
    (0.05, 2.615): (499.93, 84.01, 28.76, 16.37, 11.38, 7.11, 5.23, 3.50, 2.70),
    (0.5, 3.071): (499.91, 254.79, 88.80, 35.91, 17.48, 6.53, 3.63, 1.93, 1.34),
    (0.03, 2.437): (499.86, 76.73, 29.32, 17.63, 12.60, 8.07, 5.99, 4.03, 3.11),
}


@pytest.mark.parametrize("chart", EWMA, ids=str)
def test_the_normal_ewma_has_the_run_lengths_of_the_table(chart: tuple[float, float]) -> None:
    assert [ewma_arl(*chart, shift) for shift in EWMA_SHIFTS] == pytest.approx(EWMA[chart], abs=6e-3)


@pytest.mark.parametrize(("weight", "arl", "width"), [(0.1, 370.4, 2.7015), (0.2, 370.4, 2.8593), (0.05, 1e4, 3.6273)])
def test_limits_of_the_ewma_for_a_run_length(weight: float, arl: float, width: float) -> None:
    assert brentq(lambda bound: ewma_arl(weight, bound, 0) - arl, 2, 5) == pytest.approx(width, abs=6e-5)


SHIRYAEV_ROBERTS = [(1.0, 28.02, 50.79, 5.460), (1.0, 560.37, 1000.79, 11.144), (0.5, 373.81, 500.5, 28.86)]


@pytest.mark.parametrize(("theta", "threshold", "quiet", "delay"), SHIRYAEV_ROBERTS)
def test_the_normal_shiryaev_roberts_has_the_run_lengths_of_the_table(
    theta: float, threshold: float, quiet: float, delay: float
) -> None:
    """The last row was simulated, to half a per cent."""
    tolerance = 5e-5 if theta == 1.0 else 5e-3
    assert shiryaev_roberts_arl(theta, threshold) == pytest.approx(quiet, rel=2 * tolerance)
    assert shiryaev_roberts_arl(theta, threshold, theta) == pytest.approx(delay, rel=2 * tolerance)


def normal(shift: float) -> Draw:
    """Values whose mean lies `shift` deviations low."""
    return lambda rng, scores, moment: rng.standard_normal(len(scores)) - shift


SIMULATED: list[tuple[Chart, float, float, float]] = [
    (Cusum(0.5), 4, 0, 335.368),
    (Cusum(0.5), 5, 1, 10.376),
    (Cusum(0.25), 13.1113, 0.5, 49.133),
    (Cusum(0.25, head_start=0.1), 8, 2.5, 4.106158835),
    (TwoSidedCusum(0.5), 4, 0, 167.684),
    (TwoSidedCusum(0.5), 4, 0.5, 26.630),
    (TwoSidedCusum(0.5, head_start=2), 4, 0, 148.696),
    (TwoSidedCusum(0.5, head_start=2), 4, 1, 5.287),
    (Ewma(0.1, sided=2), 2.814, 0, 499.58),
    (Ewma(0.2, sided=2), 2.962, 0.5, 41.76),
    (Ewma(0.05, sided=2), 2.615, 1, 11.38),
]


@pytest.mark.parametrize(("chart", "threshold", "shift", "expected"), SIMULATED, ids=str)
def test_simulated_charts_agree_with_the_tables(chart: Chart, threshold: float, shift: float, expected: float) -> None:
    found = Measured.of(waits(chart, threshold, normal(shift), seed=8, size=Size(2000)))
    assert abs(found.mean - expected) <= 3.0 * found.error


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 50.79), (1.0, 5.460)])
def test_the_detectors_own_statistic_agrees_with_the_table(shift: float, expected: float) -> None:
    rng, lengths = np.random.default_rng(9), []
    for _ in range(600):
        evidence, value, length = nothing(1), -1.0, 0
        while value < np.log(28.02):
            length += 1
            evidence, value = advance(evidence, [float(rng.standard_normal()) + shift - 0.5])
        lengths.append(float(length))
    found = Measured.of(np.array(lengths))
    assert abs(found.mean - expected) <= 3.0 * found.error
