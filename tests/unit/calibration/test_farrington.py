from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration.references.farrington import FarringtonFlexible, farrington
from calibration.references.farrington_bound import Prediction, plugin_bound, transformed_bound, uncertain_bound
from calibration.references.quasi_poisson import QuasiPoisson, outbreak_weights

AGONA = [int(count) for count in np.loadtxt(Path(__file__).parent / "salmonella_agona.txt").ravel()]
C1 = FarringtonFlexible(
    years=4,
    window=3,
    periods=1,
    not_included=3,
    residual_threshold=1.0,
    trend_below=0.05,
    alpha=0.1,
    bound="delta",
    dispersion="compat",
)


@pytest.fixture(scope="module")
def flexible():
    return {week: C1.judge(AGONA, week - 1) for week in range(282, 313)}


def test_flexible_raises_the_alarms_of_surveillance(flexible):
    alarms = [week for week, outcome in flexible.items() if outcome.is_alarm]
    assert alarms == [283, 284, 285, 287, 288, 289, 291, 292, 294, 295, 304]


def test_flexible_gives_the_bounds_means_and_dispersions_of_surveillance(flexible):
    shown = [flexible[week] for week in (282, 283, 295, 301, 312)]
    assert [one.upper for one in shown] == pytest.approx([3.022556, 2.931784, 7.666578, 4.892502, 11.252585], rel=1e-4)
    assert [one.expected for one in shown] == pytest.approx(
        [1.262188, 1.209436, 4.276040, 2.532519, 6.683272], rel=1e-4
    )
    assert [one.dispersion for one in shown] == pytest.approx([1, 1, 1.315424, 1.005110, 1.170410], rel=1e-4)


def test_flexible_drops_the_trend_where_surveillance_does(flexible):
    dropped = [week for week, outcome in flexible.items() if not outcome.has_trend]
    assert dropped == [*range(295, 301), *range(307, 311)]


def test_without_the_quirk_the_dispersion_is_pearsons():
    proper = replace(C1, dispersion="pearson").judge(AGONA, 281)
    assert proper.upper == pytest.approx(4.3176, rel=1e-4)


def test_the_original_raises_the_alarms_of_surveillance():
    original = farrington(years=4, window=3, alpha=0.01)
    assert [week for week in range(270, 313) if original.judge(AGONA, week - 1).is_alarm] == [284, 285]


@pytest.mark.parametrize(
    ("power", "lower", "upper", "tail"),
    [
        (1.0, 1.3073128, 8.6926872, 0.0907246),
        (1 / 2, 1.9891097, 9.3744842, 0.1189986),
        (2 / 3, 1.8084477, 9.1154825, 0.1094727),
    ],
)
def test_normal_limits_on_a_transformed_scale(power, lower, upper, tail):
    bound = transformed_bound(Prediction(5.0, 0.2 / 5.0, 1.0), 8, alpha=0.05, power=power)
    assert bound == pytest.approx((lower, upper, tail), rel=1e-6)


def test_the_score_is_the_excess_in_units_of_the_bound():
    upper = transformed_bound(Prediction(5.0, 0.2 / 5.0, 1.0), 8, alpha=0.05, power=1.0).upper
    assert (8 - 5) / (upper - 5) == pytest.approx(0.8124165, rel=1e-6)


@pytest.mark.parametrize(
    ("bound", "dispersion", "expected"),
    [
        (uncertain_bound, 1.5, (8, 24, 0.8597797)),
        (uncertain_bound, 1.0, (9, 22, 0.9093099)),
        (plugin_bound, 1.5, (1, 10, 0.03763657)),
        (plugin_bound, 1.0, (2, 9, 0.01369527)),
    ],
)
def test_quantiles_of_counts(bound, dispersion, expected):
    assert bound(Prediction(5.0, np.log(2.0), dispersion), 11, alpha=0.05) == pytest.approx(expected, rel=1e-6)


def test_a_lower_limit_below_zero_is_zero():
    assert transformed_bound(Prediction(0.5, 0.4, 1.2), 1, alpha=0.01).lower == 0.0


def test_weights_fall_with_the_residual_and_keep_their_sum():
    weights = outbreak_weights(np.array([0.0] * 5 + [2.0] * 5), 0.0)
    assert weights == pytest.approx([1.6] * 5 + [0.4] * 5)


@pytest.mark.parametrize("bound", ["delta", "nbPlugin", "muan"])
def test_the_recommended_options_have_a_level_per_part_of_the_year(bound):
    rng = np.random.default_rng(7)
    season = 10 + 5 * np.sin(2 * np.pi * np.arange(312) / 52)
    counts = [int(count) for count in rng.poisson(season)]
    method = FarringtonFlexible(bound=bound, alpha=0.001)
    quiet = method.judge(counts, 300)
    raised = method.judge([*counts[:300], 60], 300)
    assert not quiet.is_alarm
    assert raised.is_alarm
    assert quiet.expected == pytest.approx(season[300], rel=0.25)


def test_few_cases_raise_no_alarm():
    counts = [0, 0, 0, 1] * 78
    counts[308:312] = [0, 0, 0, 4]
    assert not FarringtonFlexible(periods=1, not_included=3, bound="delta").judge(counts, 311).is_alarm
    counts[311] = 5
    assert FarringtonFlexible(periods=1, not_included=3, bound="delta").judge(counts, 311).is_alarm


def test_a_series_that_does_not_reach_back_is_refused():
    with pytest.raises(ValueError, match="262"):
        FarringtonFlexible().judge(AGONA, 262)


def test_a_regression_finds_the_rates_of_two_groups():
    design = np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1]])
    model = QuasiPoisson.fit(design, np.array([1.0, 2.0, 3.0, 7.0, 8.0, 9.0]))
    assert np.exp(model.coefficients) == pytest.approx([2.0, 4.0])
    assert model.leverage.sum() == pytest.approx(2.0)
    assert model.dispersion == pytest.approx((2 / 2 + 2 / 8) / 4)
