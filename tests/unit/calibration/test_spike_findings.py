from math import inf, nan

import pytest

from calibration.spikes_findings import Measured, best_sparse, compared, shown
from calibration.spikes_power import Found
from calibration.spikes_published import BEST_SPARSE_POWER, BUDGETED, METHODS, Published
from calibration.spikes_series import RISES
from calibration.spikes_statistics import METHODS as STATISTICS

STEADY = Published("steady", 10.0, ((0.9, 2.0), (0.5, 20.0), (0.1, 30.0), (0.04, None)))


def _fleets(*rates, powers=(0.9, 0.5, 0.1, 0.04), delays=(2.0, 20.0, 30.0, nan)):
    found = tuple(Found(power, power / 2.0, delay) for power, delay in zip(powers, delays, strict=True))
    return [Measured(rate, found) for rate in rates]


def _by_case(findings):
    return {finding.case.split(" ±")[0]: finding for finding in findings}


def test_published_methods_are_those_that_are_measured():
    assert [one.name for one in METHODS] == [method.name for method in STATISTICS]
    assert all(len(one.rises) == len(RISES) for one in (*METHODS, *BUDGETED))


def test_what_is_published_holds():
    assert all(finding.holds for finding in compared("t", STEADY, _fleets(9.0, 10.0, 11.0)))


def test_false_alarms_hold_within_15_percent_when_fleets_agree():
    assert _by_case(compared("t", STEADY, _fleets(11.4, 11.4)))["steady · false/day"].holds
    assert not _by_case(compared("t", STEADY, _fleets(11.6, 11.6)))["steady · false/day"].holds


def test_false_alarms_that_vary_may_differ_by_three_standard_errors():
    finding = _by_case(compared("t", STEADY, _fleets(10.0, 13.0)))["steady · false/day"]
    assert finding.high == pytest.approx(10.0 + 3.0 * 1.5 * 2**0.5 * 1.5**0.5)
    assert "±1.5" in next(compared("t", STEADY, _fleets(10.0, 13.0))).case


def test_a_share_may_differ_by_five_points_and_chance():
    findings = _by_case(compared("t", STEADY, _fleets(10.0, 10.0, powers=(0.7, 0.5, 0.1, 0.04))))
    assert not findings["steady · x4 for 6 h · power"].holds
    assert findings["steady · x2 for 12 h · power"].high == pytest.approx(0.5 + 0.05 + 3.0 * (0.25 / 93) ** 0.5)


def test_a_delay_holds_within_an_hour_or_15_percent():
    late = _by_case(compared("t", STEADY, _fleets(10.0, 10.0, delays=(3.1, 22.9, 99.0, nan))))
    assert not late["steady · x4 for 6 h · hours"].holds
    assert late["steady · x2 for 12 h · hours"].holds


def test_a_delay_of_few_rises_is_shown_only():
    few = _by_case(compared("t", STEADY, _fleets(10.0, 10.0)))["steady · x1.4 for 72 h · hours"]
    assert (few.low, few.high, few.expected) == (-inf, inf, 30.0)


def test_nothing_is_said_of_a_delay_that_nobody_has():
    cases = _by_case(compared("t", STEADY, _fleets(10.0, 10.0, delays=(nan, 20.0, 30.0, nan))))
    assert "steady · x4 for 6 h · hours" not in cases
    assert "steady · ramp to x3 in 48 h · hours" not in cases


def test_a_setting_is_held_to_its_budget():
    weekly = next(setting for setting in BUDGETED if setting.name == "tolerance 1.1, D = 168 h")
    finding = next(compared("t", weekly, _fleets(0.2, 0.2)))
    assert (finding.low, finding.high) == (0.0, pytest.approx(1.0 / 7.0))
    assert not finding.holds


def test_the_best_method_counts_on_sparse_series():
    good, bad = _fleets(1.0, powers=(0.9, 0.24, 0.46, 1.0))[0], _fleets(1.0, powers=(0.0,) * 4)[0]
    fleet = {method.name: bad for method in METHODS} | {METHODS[3].name: good}
    findings = list(best_sparse("t", [fleet, fleet]))
    assert [finding.measured for finding in findings] == pytest.approx([0.45, 0.12, 0.23, 0.5])
    assert [finding.expected for finding in findings] == list(BEST_SPARSE_POWER)


def test_a_rate_without_expectation_is_shown():
    assert shown("t", "known", _fleets(1.0, 2.0)).measured == 1.5
    assert shown("t", "known", _fleets(1.0, 2.0)).holds
