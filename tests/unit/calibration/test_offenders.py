"""How thresholds are set and who counts as caught."""

import numpy as np
import pytest

from calibration.offender_methods import METHODS
from calibration.offender_nominal import nominal
from calibration.offender_population import Paths, benign
from calibration.offenders import PROFILES, Offender, caught, threshold

TWO = Paths(
    counts=np.array([3, 2]),
    times=np.array([1.0, 12.0, 13.0, 11.0, 20.0]),
    gaps=np.array([1.0, 11.0, 1.0, 11.0, 9.0]),
    cleans=np.zeros(5, dtype=np.int64),
)
RISING = np.array([1.0, 2.0, 3.0, 1.0, 2.0])


def test_a_threshold_is_what_one_in_a_thousand_reach() -> None:
    assert threshold(np.arange(10_000.0)) == 9990.0


def test_with_ties_the_threshold_comes_as_close_as_it_can() -> None:
    assert threshold(np.array([0.0] * 9000 + [1.0] * 988 + [2.0] * 12)) == 2.0
    assert threshold(np.array([0.0] * 9000 + [1.0] * 13 + [2.0] * 2)) == 1.0


def test_delays_count_from_the_first_violation() -> None:
    assert caught(TWO, RISING, 2.0) == (1.0, 16.0, 2.0)


def test_what_was_before_the_turn_does_not_count() -> None:
    assert caught(TWO, RISING, 1.0, after=10.0) == (1.0, 1.5, 1.0)
    assert caught(TWO, RISING, 3.0, after=10.0) == (0.5, 3.0, 2.0)


def test_nobody_caught_has_no_delay() -> None:
    power, days, violations = caught(TWO, RISING, 9.0)
    assert power == 0.0
    assert np.isnan(days)
    assert np.isnan(violations)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda one: one.name)
def test_every_offender_is_compared_under_every_method(profile: Offender) -> None:
    assert len(profile.cells) == len(METHODS)


def test_the_turn_comes_after_the_ordinary_days() -> None:
    turned = next(one for one in PROFILES if one.before)
    paths = turned.paths(np.random.default_rng(7), 50)
    assert np.mean(paths.times > turned.before) > 0.95
    assert paths.times.max() < turned.before + 30.0


def test_nominal_lines_hold_also_on_a_small_population() -> None:
    rng = np.random.default_rng(8)
    lines = {one.case: one.measured for one in nominal(rng, [benign(rng, 5000)], at_the_boundary=500)}
    assert lines[">= 3 violations in 24 h"] > lines[">= 5 violations in 24 h"] > lines[">= 10 violations in 24 h"]
    assert lines["flat .5/0 · good users flagged"] > 20 * lines["matched .5/100 · good users flagged"]
    assert lines["flat .5/0 · violations until p=.5 is flagged"] == 1.0
