"""The simulations behind the budgets of programs, faulty filters and silence are what they say they are."""

from datetime import timedelta

import numpy as np
import pytest

from calibration import activity, filters, habits, operations
from policy.automation import AutomationPolicy
from policy.filter_fault import FilterFaultPolicy
from policy.silence import SilencePolicy
from streams.detectors.automation import Automation
from streams.detectors.filter_fault import FilterFault
from streams.detectors.silence import Silence

AUTOMATION = Automation(AutomationPolicy(), "p1")
FAULT = FilterFault(FilterFaultPolicy(), "p1")
SILENCE = Silence(SilencePolicy(), "p1")


def test_people_ask_as_often_as_the_reference_says() -> None:
    rng = np.random.default_rng(1)
    per_day = [habits.person(rng, 5)[0].size / 5 for _ in range(600)]
    assert np.median(per_day) == pytest.approx(17, rel=0.2)
    assert 250 < np.quantile(per_day, 0.99) < 900


def test_people_sleep_and_ask_in_order() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        times, prompts = habits.person(rng, 5)
        assert times.size == prompts.size
        assert np.all(np.diff(times) >= 0)
        assert times.size < 50 or np.diff(times).max() > 4 * 3600


def test_people_are_not_told_and_a_program_is() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        assert operations.every(AUTOMATION, habits.requests(*habits.person(rng, 5))) == []
    times, prompts = habits.program(rng, 60, jitter="even", days=1)
    asked, signal = operations.first(AUTOMATION, habits.requests(times, prompts))
    assert signal is not None
    assert asked < 40


def test_a_program_keeps_its_pace_and_its_hours() -> None:
    rng = np.random.default_rng(4)
    for jitter in ("even", "loose", "uniform", "latency", "random"):
        times, _ = habits.program(rng, 60, jitter=jitter, days=3)
        assert np.diff(times).mean() == pytest.approx(60, rel=0.1)
    times, _ = habits.program(rng, 60, jitter="even", days=3, hours=(9, 17))
    hours = times % 86_400 / 3600
    assert (hours.min() >= 9, hours.max() < 17) == (True, True)


def test_recorded_requests_are_in_order_where_they_are_at_hand() -> None:
    times = habits.recorded()
    if times is None:
        pytest.skip("the recorded hour is not on this machine")
    assert times.size > 10_000
    assert np.all(np.diff(times) >= 0)


def test_the_tolerated_filter_is_exactly_at_its_tolerance() -> None:
    policy = FilterFaultPolicy()
    steps = list(filters.tolerated(np.random.default_rng(5), 4000, policy=policy, live=8))
    known, judged = steps[: filters.LEARNING], steps[filters.LEARNING :]
    rate = sum(one.subjects for one in known) / sum(one.evaluated for one in known)
    assert np.mean([one.subjects for one in judged]) == pytest.approx(policy.tolerance * rate * 1000, rel=0.05)
    assert {one.live_series for one in steps} == {8}


def test_a_filters_minutes_have_its_rate_and_volume() -> None:
    steps = list(filters.minutes(np.random.default_rng(6), 1440, evaluated=500, rate=0.01))
    assert sum(one.blocked for one in steps) / sum(one.evaluated for one in steps) == pytest.approx(0.009, rel=0.15)
    assert all(one.subjects <= one.blocked <= one.evaluated for one in steps)


def test_a_planted_fault_is_found_and_its_onset_told() -> None:
    onset = 400
    steps = filters.minutes(
        np.random.default_rng(7), 460, evaluated=500, rate=0.005, times=lambda minute: 10.0 if minute >= onset else 1.0
    )
    found = operations.planted(FAULT, [(filters.START + timedelta(minutes=onset), steps)])
    assert (found.share, found.early) == (1.0, 0)
    assert found.delay <= 5
    assert found.since <= 2


def test_what_is_not_found_waits_for_ever() -> None:
    steps = filters.minutes(np.random.default_rng(8), 200, evaluated=500, rate=0.005)
    found = operations.planted(FAULT, [(filters.START, steps)])
    assert (found.share, found.delay, found.since) == (0.0, float("inf"), float("inf"))


@pytest.mark.parametrize("draw", [activity.office, activity.world])
def test_tenants_have_days_and_weekends(draw: object) -> None:
    counts = draw(np.random.default_rng(9), 14, volume=50.0)  # type: ignore[operator]  # both take the same
    by_day = counts.reshape(14, activity.PER_DAY).sum(1)
    assert by_day[5:7].mean() < 0.85 * by_day[:5].mean()
    assert operations.every(SILENCE, activity.steps(counts)) == []


def test_a_tenant_of_few_comes_in_bursts() -> None:
    counts = activity.few(np.random.default_rng(10), 28, users=5)
    assert counts.size == 28 * activity.PER_DAY
    assert counts.sum() == pytest.approx(28 * 5 * 0.8 * 2 * 8, rel=0.25)
    hours = counts.reshape(-1, 12).sum(1)
    assert hours.var() / hours.mean() > 5
