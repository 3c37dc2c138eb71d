"""Rises of counts are found in time, and daily life is not taken for one."""

from datetime import UTC, datetime, timedelta
from math import exp, isfinite

import numpy as np
import pytest
from detector_traffic import SERIES, SPIKE, START, STEP, daily, drawn, run, steps
from hypothesis import given
from hypothesis import strategies as st

from alerts.signal import Signal
from policy.detectors import CategorySpikePolicy
from streams.detectors.category_spike import CategorySpike, SpikeState, StepCount

HOUR = 12


def _pages(signals: list[Signal], after: int = 0) -> list[float]:
    """Steps from `after` to each page."""
    return [(signal.at - START) / STEP - after for signal in signals if signal.level == "page"]


def _spiked(base: float, *, at: int, times: float, seed: int, hours: int = 6) -> list[StepCount]:
    means = daily(at + hours * HOUR, base=base, amplitude=0.5)
    means[at:] *= times
    return steps(drawn(means, seed))


def test_a_fleet_with_daily_life_keeps_its_page_budget_from_the_first_step_on() -> None:
    rng = np.random.default_rng(5)
    pages = 0
    for seed in range(40):
        base, amplitude = exp(rng.uniform(-2, 4)), rng.uniform(0.3, 1.2)
        start = START + timedelta(hours=int(rng.integers(0, 168)))
        counts = drawn(daily(3 * 288, base=base, amplitude=amplitude, start=start), seed)
        pages += len(_pages(run(SPIKE, steps(counts, start=start))[1]))
    assert pages == 0


@pytest.mark.parametrize("history", [3 * HOUR, 8 * HOUR, 36 * HOUR, 200 * HOUR])
def test_four_times_as_much_is_found_within_an_hour_even_with_little_history(history: int) -> None:
    delays = [
        min(_pages(run(SPIKE, _spiked(15, at=history, times=4, seed=seed))[1], history), default=999.0)
        for seed in range(5)
    ]
    assert sorted(delays)[2] <= HOUR


def test_twice_as_much_is_found_within_hours_after_a_week() -> None:
    delays = [
        min(_pages(run(SPIKE, _spiked(20, at=190 * HOUR, times=2, seed=seed, hours=12))[1], 190 * HOUR), default=999.0)
        for seed in range(5)
    ]
    assert sorted(delays)[2] <= 6 * HOUR


def test_nothing_is_judged_before_there_is_history() -> None:
    assert run(SPIKE, steps([2] * 12 + [400] * 10))[1] == []


def test_a_page_tells_what_was_expected_and_what_came() -> None:
    signal = run(SPIKE, steps([11, 12, 10, 12] * 600 + [58], live_series=2))[1][-1]
    assert signal.level == "page"
    assert signal.categories == ("violence",)
    assert signal.stages == ("prompt",)
    assert signal.expectation is not None
    assert signal.expectation.expected == pytest.approx(11.3, abs=0.5)
    assert (signal.expectation.seen, signal.expectation.since) == (58, signal.at)
    assert signal.words.startswith("contoso gpt-4o violence on prompts: 58 flagged in 5 minutes where 11.")
    assert signal.words.endswith("were expected (about 5.2 times), page budget one per 7d")


def test_a_provider_category_without_a_canonical_twin_is_named_in_words_only() -> None:
    events = [StepCount("contoso|m|p|indirect_attack|tool", e.start, e.count, 1) for e in steps([5] * 40 + [90])]
    signal = run(SPIKE, events)[1][-1]
    assert signal.categories == ()
    assert "indirect_attack on tool results" in signal.words


def test_more_live_series_raise_the_bound_in_powers_of_two() -> None:
    def threshold(live: int) -> float:
        return run(SPIKE, steps([10] * 60 + [500], live_series=live))[1][-1].statistic.threshold

    assert exp(threshold(1)) == pytest.approx(2016)
    assert exp(threshold(0)) == pytest.approx(2016)
    assert threshold(200) == threshold(256) < threshold(257)
    assert exp(threshold(200)) == pytest.approx(256 * 2016)


def test_a_ticket_comes_before_the_page_of_a_slow_rise_and_only_once() -> None:
    levels = [signal.level for signal in run(SPIKE, steps([20] * 2300 + [36] * 60))[1]]
    assert levels[:2] == ["ticket", "page"]
    assert levels.count("ticket") == 1


def test_a_rise_is_not_learnt_and_the_statistic_starts_again_after_a_page() -> None:
    state, _ = run(SPIKE, steps([20] * 100))
    later, signals = run(SPIKE, steps([80] * 24, start=START + 100 * STEP), state)
    assert signals[-1].level == "page"
    assert later.evidence == ()
    assert later.frozen == 24 * 300
    assert later.baseline.steps == state.baseline.steps


def test_a_rise_that_stays_becomes_the_new_normal() -> None:
    state, _ = run(SPIKE, steps([20] * 2016))
    state, signals = run(SPIKE, steps([80] * 288, start=START + 2016 * STEP), state)
    assert signals
    assert run(SPIKE, steps([80] * 576, start=START + 2304 * STEP), state)[1] == []


def test_one_outlier_hardly_moves_what_is_expected() -> None:
    calm, _ = run(SPIKE, steps([20] * 60))
    after, _ = run(SPIKE, steps([45], start=START + 60 * STEP), calm)
    assert after.baseline.level / after.baseline.level_weight < 26


def test_a_step_not_after_the_last_one_changes_nothing() -> None:
    state, _ = run(SPIKE, steps([20] * 60))
    for late in steps([500] * 60):
        assert SPIKE.step(state, late) == (state, ())


def test_missing_steps_are_time_passed_not_counts_of_zero() -> None:
    state, _ = run(SPIKE, steps([20] * 60))
    later, signals = run(SPIKE, steps([20] * 12, start=START + timedelta(days=3)), state)
    assert signals == []
    assert later.baseline.level / later.baseline.level_weight == pytest.approx(20, rel=0.01)


def test_a_series_that_was_gone_for_long_starts_anew() -> None:
    state, _ = run(SPIKE, steps([2] * 60))
    later, signals = run(SPIKE, steps([300] * 60, start=START + timedelta(days=30)), state)
    assert signals == []
    assert later.baseline.steps == 60


def test_a_policy_with_another_mixture_takes_over_a_running_state() -> None:
    other = CategorySpike(CategorySpikePolicy(multipliers=(2.0, 4.0)), "p2")
    assert len(OPEN.evidence) == 4
    later, _ = run(other, steps([11], start=START + 81 * STEP), OPEN)
    assert len(later.evidence) == 2


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30), st.integers(0, 10_000))
def test_the_state_stays_finite_whatever_is_counted(counts: list[int], live: int) -> None:
    quick = CategorySpike(CategorySpikePolicy(cold_start=STEP), "p1")
    state = quick.initial(SERIES)
    for event in steps(counts, live_series=live):
        state, signals = quick.step(state, event)
        assert all(isfinite(x) for x in state.evidence)
        assert all(isfinite(signal.statistic.value) for signal in signals)


OPEN: SpikeState = run(SPIKE, steps([10, 14, 12, 9] * 20 + [21]))[0]


@given(st.integers(0, 300), st.integers(0, 300))
def test_what_an_open_step_raises_the_closed_step_raises_too(first: int, more: int) -> None:
    start = START + 81 * STEP
    early, closed = (SPIKE.step(OPEN, StepCount(SERIES, start, count, 200))[1] for count in (first, first + more))
    if early:
        assert closed
        assert closed[0].statistic.value >= early[0].statistic.value
        assert closed[0].level in (early[0].level, "page")
        assert closed[0].id == early[0].id or closed[0].level != early[0].level


def test_the_id_depends_on_series_level_and_step_only() -> None:
    start = START + 81 * STEP
    elsewhere = start.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+05:00").tzinfo)
    one, two = (SPIKE.step(OPEN, StepCount(SERIES, at, n, k))[1] for at, n, k in ((start, 150, 1), (elsewhere, 200, 9)))
    assert one[0].id == two[0].id
    assert two[0].at.tzinfo == UTC
