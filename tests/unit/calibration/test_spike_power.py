from math import isnan

import numpy as np

from calibration.spikes_power import DAYS, episodes, found, threshold_for
from calibration.spikes_series import MONITORED, Rise

RISE = Rise("three hours", (2.0, 2.0, 2.0))


def _alarms(*rows):
    alarms = np.zeros((len(rows), MONITORED), bool)
    for series, hours in enumerate(rows):
        alarms[series, list(hours)] = True
    return alarms


def test_alarms_within_six_hours_are_one_episode():
    assert episodes(_alarms([3, 4, 9, 15])) == 1
    assert episodes(_alarms([3, 10])) == 2


def test_series_have_episodes_of_their_own():
    assert episodes(_alarms([3], [3], [])) == 2


def test_the_threshold_leaves_the_stated_rate_and_no_lower_one_does():
    statistic = np.random.default_rng(2).exponential(size=(50, MONITORED))
    threshold = threshold_for(statistic, 1.0)
    assert episodes(statistic >= threshold) <= DAYS < episodes(statistic >= threshold - 1e-3) + 2
    assert episodes(statistic >= threshold - 1e-6) >= DAYS - 1


def test_a_rise_counts_when_an_alarm_comes_while_it_lasts():
    starts = np.array([10, 10, 10, 10, 10])
    levels = np.array([5.0, 5.0, 5.0, 0.1, 0.1])
    result = found(_alarms([11, 12], [9], [13], [12], []), starts, rise=RISE, levels=levels)
    assert result.power == 1 / 3
    assert result.sparse == 1 / 2
    assert result.delay == 1.0


def test_nothing_found_has_no_delay():
    assert isnan(found(_alarms([], []), np.array([10, 10]), rise=RISE, levels=np.array([5.0, 0.1])).delay)
