import numpy as np
import pytest

from calibration.spikes_series import DAY, HISTORY, MONITORED, RISES, SERIES, SIZE, WEEK, Fleet, Forecast


@pytest.fixture(scope="module")
def fleet():
    return Fleet.drawn(np.random.default_rng(11))


def test_a_fleet_has_twelve_weeks_of_every_series(fleet):
    assert fleet.counts.shape == fleet.means.shape == (SERIES, HISTORY + MONITORED)
    assert (HISTORY + MONITORED) == 12 * WEEK


def test_the_level_is_the_mean_of_weekdays(fleet):
    weekdays = np.arange(HISTORY) % WEEK < 5 * DAY
    assert fleet.means[:, :HISTORY][:, weekdays].mean(axis=1) == pytest.approx(fleet.levels, rel=1e-9)


def test_weekends_are_quieter(fleet):
    weekly = fleet.means[:, :WEEK]
    assert (weekly[:, 5 * DAY :].mean(axis=1) < weekly[:, : 5 * DAY].mean(axis=1)).all()


def test_counts_have_the_negative_binomial_variance(fleet):
    busy = fleet.levels >= 2.0
    means, counts = fleet.means[busy], fleet.counts[busy]
    ratio = (counts - means) ** 2 / (means + means**2 / SIZE)
    assert ratio.mean() == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("rise", RISES, ids=lambda rise: rise.name)
def test_a_rise_changes_its_hours_alone(fleet, rise):
    risen, starts = fleet.with_rise(np.random.default_rng(12), rise)
    changed = risen.counts != fleet.counts
    hour = np.arange(HISTORY + MONITORED)
    first = HISTORY + starts[:, np.newaxis]
    assert not changed[(hour < first) | (hour >= first + rise.hours)].any()
    during = (hour >= first) & (hour < first + rise.hours)
    assert risen.counts[during].sum() / fleet.counts[during].sum() == pytest.approx(np.mean(rise.multipliers), rel=0.1)


def test_rises_are_those_that_are_published():
    assert [(rise.hours, rise.multipliers[-1]) for rise in RISES] == [(6, 4.0), (12, 2.0), (72, 1.4), (48, 3.0)]


def test_the_forecast_comes_near_the_means(fleet):
    forecast = Forecast.of(fleet.counts)
    busy = fleet.levels >= 2.0
    ratio = forecast.means[busy] / fleet.means[busy, HISTORY:]
    assert ratio.mean() == pytest.approx(1.0, abs=0.01)
    assert ratio.std() < 0.08
    assert np.median(forecast.sizes[busy]) == pytest.approx(SIZE, rel=0.15)
