"""Rises of counts are found in time, and daily life is not taken for one."""

from datetime import UTC, datetime, timedelta
from math import exp, isfinite

import msgspec
import numpy as np
import pytest
from detector_traffic import SERIES, SPIKE, START, STEP, daily, drawn, run, steps
from hypothesis import given
from hypothesis import strategies as st

from alerts.signal import Signal
from policy.category_spike import CategorySpikePolicy
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


def test_twice_as_much_is_found_within_an_hour_once_the_shape_is_fitted() -> None:
    at = 15 * 24 * HOUR
    delays = [
        min(_pages(run(SPIKE, _spiked(20, at=at, times=2, seed=seed, hours=12))[1], at), default=999.0)
        for seed in range(5)
    ]
    assert sorted(delays)[2] <= HOUR


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
    assert signal.words.endswith("were expected (about 5.2 times, 3.3 to 8.8), page budget one per 7d")


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
    levels = [signal.level for signal in run(SPIKE, steps([20] * 4200 + [34] * 60))[1]]
    assert levels[:2] == ["ticket", "page"]
    assert levels.count("ticket") == 1


def test_a_rise_is_not_learnt_and_the_statistic_starts_again_after_a_page() -> None:
    state, _ = run(SPIKE, steps([20] * 100))
    later, signals = run(SPIKE, steps([80] * 24, start=START + 100 * STEP), state)
    assert signals[-1].level == "page"
    first = int(_pages(signals, 100)[0])
    at_the_page, _ = run(SPIKE, steps([80] * (first + 1), start=START + 100 * STEP), state)
    assert at_the_page.evidence == ()
    assert later.frozen == 24 * 300
    assert later.baseline.young.steps == state.baseline.young.steps


def test_a_rise_that_stays_becomes_the_new_normal() -> None:
    state, _ = run(SPIKE, steps([20] * 2016))
    state, signals = run(SPIKE, steps([80] * 288, start=START + 2016 * STEP), state)
    assert signals
    assert run(SPIKE, steps([80] * 576, start=START + 2304 * STEP), state)[1] == []


def test_one_outlier_hardly_moves_what_is_expected() -> None:
    calm, _ = run(SPIKE, steps([20] * 60))
    after, _ = run(SPIKE, steps([45], start=START + 60 * STEP), calm)
    assert after.baseline.young.level / after.baseline.young.level_weight < 26


def test_a_step_not_after_the_last_one_changes_nothing() -> None:
    state, _ = run(SPIKE, steps([20] * 60))
    for late in steps([500] * 60):
        assert SPIKE.step(state, late) == (state, ())


def test_missing_steps_are_time_passed_not_counts_of_zero() -> None:
    state, _ = run(SPIKE, steps([20] * 60))
    later, signals = run(SPIKE, steps([20] * 12, start=START + timedelta(days=3)), state)
    assert signals == []
    assert later.baseline.young.level / later.baseline.young.level_weight == pytest.approx(20, rel=0.01)


def test_a_series_that_was_gone_for_long_starts_anew() -> None:
    state, _ = run(SPIKE, steps([2] * 60))
    later, signals = run(SPIKE, steps([300] * 60, start=START + timedelta(days=30)), state)
    assert signals == []
    assert later.baseline.young.steps == 60


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


FITTED: SpikeState = run(SPIKE, steps(drawn(daily(16 * 288, base=20, amplitude=0.8), seed=9)))[0]
"""Sixteen days of a series with daily life: its shape is fitted."""
AFTER = START + 16 * 288 * STEP


def _later(times: float, *, parts: dict[str, dict[str, int]] | None = None, series: str = SERIES) -> list[StepCount]:
    means = daily(24, base=20 * times, amplitude=0.8, start=AFTER)
    return [
        StepCount(series, AFTER + i * STEP, round(mean), 200, _times(parts or {}, round(mean)))
        for i, mean in enumerate(means)
    ]


def _times(parts: dict[str, dict[str, int]], count: int) -> dict[str, dict[str, int]]:
    return {one: {value: n * count // 100 for value, n in counts.items()} for one, counts in parts.items()}


def test_weeks_of_history_give_the_shape_and_drop_the_hours() -> None:
    past = FITTED.baseline.past
    assert past.model is not None
    assert FITTED.baseline.young.cells == ()
    assert run(SPIKE, _later(1.0), FITTED)[1] == []
    assert run(SPIKE, _later(2.0), FITTED)[1][0].expectation is not None


def test_the_multiplier_of_a_rise_holds_its_truth() -> None:
    signals = run(SPIKE, _later(3.0), FITTED)[1]
    assert signals
    for signal in signals:
        assert signal.multiplier is not None
        assert signal.multiplier.low < 3.0 < signal.multiplier.high
        assert signal.multiplier.low < signal.multiplier.median < signal.multiplier.high


CALM = {"subject": {"a": 50, "b": 50}, "api_key": {"k": 100}, "language": {"de": 70, "en": 30}}


def test_a_page_tells_the_campaign_behind_it() -> None:
    state, _ = run(SPIKE, _later(1.0, parts=CALM), FITTED)
    start = AFTER + 24 * STEP
    parts = {"subject": {"evil": 85, "a": 15}, "api_key": {"k": 15, "stolen": 85}, "filter_version": {"f@2": 100}}
    signal = run(SPIKE, [StepCount(SERIES, start, 200, 200, _times(parts, 200))], state)[1][0]
    assert signal.attribution is not None
    assert signal.attribution.kind == "campaign"
    assert {row.value for row in signal.attribution.rows[:2]} <= {"evil", "stolen", "f@2"}
    assert signal.filters == ("f@2",)
    assert "one campaign: " in signal.words


def test_a_page_tells_a_broad_shift() -> None:
    state, _ = run(SPIKE, _later(1.0, parts=CALM), FITTED)
    parts = {"subject": {"a": 30, "b": 30, "c": 40}, "api_key": {"k": 100}, "language": {"fr": 80, "de": 20}}
    signal = run(SPIKE, [StepCount(SERIES, AFTER + 24 * STEP, 200, 200, _times(parts, 200))], state)[1][0]
    assert signal.attribution is not None
    assert signal.attribution.kind == "broad"
    assert "a broad shift: language fr explains" in signal.words


SUM = "contoso|*|azure.openai|violence|prompt"


@pytest.mark.parametrize(("counts", "is_told"), [({"one": 95, "two": 5}, False), ({"one": 50, "two": 50}, True)])
def test_a_sum_is_silent_where_one_of_its_series_answers_for_itself(counts: dict[str, int], *, is_told: bool) -> None:
    calm = [
        StepCount(SUM, one.start, one.count, 200, _times({"series": {"one": 50, "two": 50}}, one.count))
        for one in steps([20] * 60)
    ]
    risen = [StepCount(SUM, START + 60 * STEP, 300, 200, _times({"series": counts}, 300))]
    signals = run(SPIKE, calm + risen)[1]
    assert bool(signals) == is_told
    if is_told:
        assert "contoso all models violence on prompts" in signals[0].words


def test_step_lengths_have_thresholds_and_ids_of_their_own() -> None:
    hourly = CategorySpike(CategorySpikePolicy(), "p1", timedelta(hours=1))
    counts = [StepCount(SERIES, START + i * timedelta(hours=1), n, 1) for i, n in enumerate([100] * 40 + [3000])]
    page = run(hourly, counts)[1][-1]
    assert exp(page.statistic.threshold) == pytest.approx(168)
    assert "in 60 minutes" in page.words
    other = SPIKE.step(run(SPIKE, steps([10] * 480))[0], StepCount(SERIES, page.at, 3000, 1))[1]
    assert other[0].at == page.at
    assert other[0].id != page.id


def test_a_fleet_whose_noise_stays_for_an_hour_keeps_its_page_budget() -> None:
    rng, pages = np.random.default_rng(8), 0
    for _ in range(8):
        means = daily(21 * 288, base=exp(rng.uniform(-2, 3)), amplitude=0.8) * np.repeat(rng.gamma(15, 1 / 15, 504), 12)
        signals = run(SPIKE, steps(rng.poisson(means), live_series=16))[1]
        pages += len({signal.at.date() for signal in signals if signal.level == "page"})
    assert pages <= 1.5 + 3 * 1.5**0.5


def test_slow_growth_is_followed() -> None:
    means = daily(35 * 288, base=10, amplitude=0.6) * np.exp(np.arange(35 * 288) / (288 * 60))
    assert _pages(run(SPIKE, steps(drawn(means, seed=4)))[1]) == []


def test_a_rise_that_stays_becomes_the_new_normal_of_a_fitted_series_too() -> None:
    start, means = AFTER, daily(4 * 288, base=80, amplitude=0.8, start=AFTER)
    state, signals = run(SPIKE, steps(drawn(means[:288], seed=5), start=start), FITTED)
    assert signals
    later = steps(drawn(means[288:], seed=6), start=start + 288 * STEP)
    assert run(SPIKE, later, state)[1] == []


def test_the_state_of_eight_weeks_is_bounded() -> None:
    hourly = CategorySpike(CategorySpikePolicy(), "p1", timedelta(hours=1))
    values = {one: {f"k1.{'a' * 25}{n}": 9 for n in range(8)} for one in ("subject", "api_key", "prompt_hash")}
    counts = [StepCount(SERIES, START + i * timedelta(hours=1), 90 + i % 7, 200, values) for i in range(60 * 24)]
    state, _ = run(hourly, counts)
    assert len(state.baseline.past.history.hours) == 1344
    assert len(msgspec.msgpack.encode(state)) < 6000
