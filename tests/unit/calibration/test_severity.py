"""The severity mixture of the calibration is the detector's, and the exact column is what it says."""

import numpy as np
import pytest

from calibration.severity import EXPECTED, OFFENDERS, TARGET, binary_run_length, severity_chart
from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.severity_cusum import Turn, log_e, weights, with_violation


def test_the_mixture_is_the_detectors_own() -> None:
    rng = np.random.default_rng(14)
    policy = RepeatOffenderPolicy()
    scale = weights(policy.benign_shares, policy.offender_profiles, ceiling=1e9)
    chart = severity_chart()
    turn, requests, state = Turn(), 0, np.zeros((chart.components, 1))
    for number, clean in enumerate(rng.geometric(0.05, 300) - 1):
        grade = int(rng.integers(0, 3))
        requests += int(clean) + 1
        turn = with_violation(turn, scale, requests=requests, request=number, grade=grade + 1)
        state, statistic = chart.step(state, np.array([clean]), np.array([grade]))
        assert statistic[0] == pytest.approx(log_e(turn, scale, requests=requests), rel=1e-9)


def test_clean_requests_speak_against_every_profile() -> None:
    chart = severity_chart()
    assert np.all(chart.clean < 0.0)
    assert np.all(chart.blocked >= 0.0)


def test_the_binary_cusum_is_set_to_the_target() -> None:
    assert binary_run_length(0.02) == pytest.approx(TARGET, rel=0.06)


def test_offenders_block_more_often_than_anybody_benign() -> None:
    benign = sum(RepeatOffenderPolicy().benign_shares)
    assert all(benign < sum(shares) < 1.0 for shares in OFFENDERS.values())
    assert all(len(row) == len(OFFENDERS) for row in EXPECTED.values())
