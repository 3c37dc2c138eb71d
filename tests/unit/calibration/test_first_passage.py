"""The charts equal the detectors' own code request by request, and passages are counted right."""

from math import log

import numpy as np
import pytest

from calibration.first_passage import Bucket, Chart, Cusum, ShiryaevRoberts, mean_and_error, passages
from calibration.offender_methods import MIXTURE
from calibration.offender_population import PERMITTED
from streams.detectors import mixture_cusum, shiryaev_roberts
from streams.detectors.mixture_cusum import bernoulli

RATIOS = bernoulli(PERMITTED, MIXTURE)
MIXED = Cusum(np.array(RATIOS.miss), np.array(RATIOS.hit)[:, np.newaxis])
POINTS = Bucket(np.array([1.0, 3.0, 10.0]), 200.0)
GAPS = np.random.default_rng(9).geometric(0.04, 200) - 1


def _statistics(chart: Chart, cleans: np.ndarray, grades: np.ndarray) -> list[float]:
    state, out = np.zeros((chart.components, 1)), []
    for clean, grade in zip(cleans, grades, strict=True):
        state, statistic = chart.step(state, np.array([clean]), np.array([grade]))
        out.append(float(statistic[0]))
    return out


def test_the_mixture_cusum_is_the_detectors_own() -> None:
    logs, expected = (0.0,) * len(MIXTURE), []
    for gap in GAPS:
        for _ in range(gap):
            logs, _ = mixture_cusum.advance(logs, RATIOS.miss)
        logs, mean = mixture_cusum.advance(logs, RATIOS.hit)
        expected.append(mean)
    assert _statistics(MIXED, GAPS, np.zeros_like(GAPS)) == pytest.approx(expected, rel=1e-9)


def test_the_mixture_shiryaev_roberts_is_the_detectors_own() -> None:
    evidence, expected = shiryaev_roberts.nothing(len(MIXTURE)), []
    for gap in GAPS:
        for _ in range(gap):
            evidence, _ = shiryaev_roberts.advance(evidence, RATIOS.miss)
        evidence, mean = shiryaev_roberts.advance(evidence, RATIOS.hit)
        expected.append(mean)
    assert _statistics(ShiryaevRoberts(RATIOS), GAPS, np.zeros_like(GAPS)) == pytest.approx(expected, rel=1e-9)


def test_clean_requests_never_carry_shiryaev_roberts_over_a_hundred() -> None:
    """The mean falls from wherever a hundred is first reached, whichever component holds it."""
    for component in range(len(MIXTURE)):
        held = np.zeros(len(MIXTURE))
        held[component] = 100.0 * len(MIXTURE)
        assert ((1.0 + held) * np.exp(RATIOS.miss)).mean() < 100.0


def test_a_bucket_leaks_with_every_request() -> None:
    grades = np.random.default_rng(10).integers(0, 3, len(GAPS))
    held, expected = 0.0, []
    for gap, grade in zip(GAPS, grades, strict=True):
        for _ in range(gap + 1):
            held *= 0.5 ** (1.0 / 200.0)
        held += POINTS.points[grade]
        expected.append(held)
    assert _statistics(POINTS, GAPS, grades) == pytest.approx(expected, rel=1e-9)


def test_a_bucket_that_holds_one_overflows_at_the_first_violation() -> None:
    times = passages(np.random.default_rng(11), POINTS, shares=(0.2, 0.0, 0.0), thresholds=(1.0,), users=4000)
    mean, error = mean_and_error(times[:, 0])
    assert mean == pytest.approx(5.0, abs=4.0 * error)


def test_grades_come_in_their_shares() -> None:
    """Only the gravest reaches ten points at once; the half-life is so short that nothing adds up."""
    chart = POINTS._replace(half_life=0.01)
    shares = (0.2, 0.05, 0.01)
    times = passages(np.random.default_rng(12), chart, shares=shares, thresholds=(1.0, 3.0, 10.0), users=4000)
    for column, expected in zip(times.T, (1 / 0.26, 1 / 0.06, 1 / 0.01), strict=True):
        mean, error = mean_and_error(column)
        assert mean == pytest.approx(expected, abs=4.0 * error)


def test_higher_thresholds_are_reached_no_sooner() -> None:
    levels = np.log([2.0, 50.0, 1000.0])
    times = passages(np.random.default_rng(13), MIXED, shares=(0.1,), thresholds=levels, users=300)
    assert np.all(np.diff(times, axis=1) >= 0.0)
    assert np.all(times >= 1.0)
    assert times[:, 2].mean() > times[:, 0].mean() + log(500.0)
