"""A filter that suddenly blocks everybody is found within minutes; a few offenders or a new volume are no fault."""

from datetime import timedelta
from math import exp, isfinite

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from operations_traffic import FAULT, FILTER, MINUTE, START, found, minutes, run
from pydantic import ValidationError

from policy.filter_fault import FilterFaultPolicy
from streams.detectors.filter_fault import FilterFault, FilterStep
from streams.detectors.filter_fault_state import MOST_VERSIONS
from streams.detectors.newly_blocked import LastBlock, after_block

HOUR = 60
USUAL = run(FAULT, minutes(6 * HOUR))[0]
"""Six hours of 600 verdicts a minute, 0.5 % of them blocked."""


def test_a_steady_filter_is_silent_whatever_its_volume() -> None:
    for evaluated in (10, 600, 60_000):
        assert run(FAULT, minutes(2 * 1440, evaluated=evaluated))[1] == []


def test_ten_times_as_many_blocks_for_everybody_are_found_within_minutes() -> None:
    for seed in range(5):
        signal = run(FAULT, minutes(30, rate=0.05, first=360, seed=seed), USUAL)[1][0]
        assert (signal.at - START) / MINUTE - 360 <= 3


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.5])
@pytest.mark.parametrize("quiet", [0, 25])
def test_the_onset_is_told_to_within_a_few_minutes(rate: float, quiet: int) -> None:
    state, _ = run(FAULT, minutes(quiet, first=360, seed=9), USUAL)
    signal = run(FAULT, minutes(60, rate=rate, first=360 + quiet), state)[1][0]
    assert signal.expectation is not None
    late = (signal.expectation.since - START) / MINUTE - 360 - quiet
    assert -5 <= late <= 1


def test_a_page_tells_which_filter_and_version_and_what_was_usual() -> None:
    signal = run(FAULT, minutes(30, rate=0.05, first=360), USUAL)[1][0]
    assert (signal.detector, signal.level, signal.subject, signal.key) == ("filter_fault", "page", None, FILTER)
    assert signal.filters == ("azure-content-filter@1",)
    assert signal.categories == ("violence",)
    assert signal.expectation is not None
    assert signal.expectation.expected == pytest.approx(0.005, rel=0.1)
    assert signal.expectation.seen == pytest.approx(0.05, rel=0.3)
    assert signal.words.startswith("contoso azure-content-filter@1 violence: ")
    assert "blocked since 2026-03-02 06:00 UTC where 0.5" in signal.words
    assert signal.words.endswith("page budget one per 30d")


def test_a_filter_without_a_version_is_named_alone() -> None:
    state, _ = run(FAULT, minutes(6 * HOUR, version=""))
    signal = run(FAULT, minutes(30, rate=0.05, first=360, version=""), state)[1][0]
    assert signal.filters == ("azure-content-filter",)


def test_a_new_version_that_starts_badly_is_found_against_the_old_ones_reference() -> None:
    events = []
    for minute in range(360, 420):
        events += minutes(1, first=minute) + minutes(1, first=minute, rate=0.04, evaluated=60, version="2")
    state, signals = run(FAULT, events, USUAL)
    assert [signal.filters for signal in signals] == [("azure-content-filter@2",)]
    assert (signals[0].at - START) / MINUTE <= 375
    assert signals[0].expectation is not None
    assert signals[0].expectation.since == START + 360 * MINUTE
    assert state.usual.rate == pytest.approx(0.005, rel=0.1)


def test_a_new_version_that_is_as_good_is_silent_and_learnt() -> None:
    state, signals = run(FAULT, minutes(120, first=360, version="2"), USUAL)
    assert signals == []
    assert state.learnt == USUAL.learnt + 120 * 60


@pytest.mark.parametrize("evaluated", [20, 600, 6000])
def test_a_campaign_of_five_with_thousands_of_blocks_is_silent(evaluated: int) -> None:
    state, _ = run(FAULT, minutes(6 * HOUR, evaluated=evaluated))
    calm = minutes(180, evaluated=evaluated, first=360)
    campaign = [
        found(
            one.evaluated + 400,
            one.blocked + 300,
            minute=360 + n,
            subjects=one.subjects + (5 if n == 0 else 0),
        )
        for n, one in enumerate(calm)
    ]
    assert run(FAULT, campaign, state)[1] == []


def _blocks_of(blocks: list[tuple[float, str]], *, evaluated: int, first: int, count: int) -> list[FilterStep]:
    """The minutes of a filter whose blocks are told as (second after the start, subject), one request each."""
    last: dict[str, LastBlock] = {}
    blocked, newly = [0] * count, [0] * count
    for number, (second, subject) in enumerate(sorted(blocks)):
        last[subject] = after_block(last.get(subject), f"r{number}", at=second)
        minute = int(second // 60) - first
        if minute >= 0:
            blocked[minute] += 1
            newly[minute] += last[subject].new
    return [found(evaluated, blocked[n], minute=first + n, subjects=newly[n]) for n in range(count)]


@pytest.mark.parametrize("evaluated", [60, 600])
def test_blocks_of_five_are_silent_and_the_same_number_of_blocks_of_everybody_is_not(evaluated: int) -> None:
    rng = np.random.default_rng(4)
    state, _ = run(FAULT, minutes(360, evaluated=evaluated))
    usual = [(float(at), f"person {n}") for n, at in enumerate(rng.uniform(0, 28_800, evaluated * 480 // 200))]
    times = rng.uniform(21_600, 28_800, 6000)
    by_five = [(float(at), f"offender {n % 5}") for n, at in enumerate(times)]
    by_all = [(float(at), f"user {n % 2000}") for n, at in enumerate(times)]
    told = {"first": 360, "count": 120, "evaluated": evaluated + 50}
    assert run(FAULT, _blocks_of(usual + by_five, **told), state)[1] == []
    assert len(run(FAULT, _blocks_of(usual + by_all, **told), state)[1]) == 1


def test_a_subject_is_new_again_after_an_hour_without_a_block() -> None:
    last = after_block(None, "r1", at=0.0)
    assert after_block(last, "r1", at=0.0) is last
    last = after_block(last, "r2", at=3599.0)
    assert not last.new
    late = after_block(last, "r3", at=100.0)
    assert (late.new, late.at) == (False, 3599.0)
    assert after_block(late, "r4", at=3599.0 + 3600.0).new


def test_twice_the_traffic_is_no_fault() -> None:
    assert run(FAULT, minutes(180, evaluated=3000, first=360), USUAL)[1] == []


def test_a_fault_is_told_once_and_again_only_after_it_was_over() -> None:
    state, signals = run(FAULT, minutes(120, rate=0.05, first=360), USUAL)
    assert len(signals) == 1
    assert state.usual.rate == pytest.approx(USUAL.usual.rate, rel=0.02)
    state, signals = run(FAULT, minutes(120, first=480), state)
    assert signals == []
    assert not state.versions[0].told
    assert len(run(FAULT, minutes(30, rate=0.05, first=600), state)[1]) == 1


def test_a_rate_that_stays_is_accepted() -> None:
    state, signals = run(FAULT, minutes(13 * HOUR, rate=0.05, first=360), USUAL)
    assert len(signals) == 1
    assert not state.versions[0].told
    assert state.usual.rate == pytest.approx(0.05, rel=0.2)
    assert run(FAULT, minutes(2 * HOUR, rate=0.05, first=360 + 13 * HOUR), state)[1] == []


def test_nothing_is_judged_before_there_is_a_reference() -> None:
    assert run(FAULT, minutes(50) + minutes(10, rate=0.5, first=50))[1] == []
    few = run(FAULT, minutes(90, evaluated=5) + minutes(30, evaluated=5, rate=0.9, first=90))
    assert few[1] == []


def test_more_filters_raise_the_bound_in_powers_of_two() -> None:
    def threshold(live: int) -> float:
        return run(FAULT, [found(600, 300, minute=361, live=live)], USUAL)[1][0].statistic.threshold

    assert exp(threshold(1)) == pytest.approx(43_200)
    assert threshold(129) == threshold(256)
    assert exp(threshold(200)) == pytest.approx(256 * 43_200)


def test_a_step_not_after_the_last_one_of_its_version_changes_nothing() -> None:
    for late in minutes(360, rate=0.5):
        assert FAULT.step(USUAL, late) == (USUAL, ())
    assert FAULT.step(USUAL, found(0, 0, minute=400)) == (USUAL, ())


def test_versions_are_bounded_and_those_seen_last_are_kept() -> None:
    events = [found(100, 0, minute=360 + n, version=f"{n}") for n in range(10)]
    state, _ = run(FAULT, events, USUAL)
    assert [version.name for version in state.versions] == ["9", "8", "7", "6"]
    assert len(state.versions) == MOST_VERSIONS
    assert len(msgspec.msgpack.encode(state)) < 500


def test_a_policy_with_another_mixture_takes_over_a_running_state() -> None:
    other = FilterFault(FilterFaultPolicy(multipliers=(4.0,)), "p2")
    state, _ = run(other, minutes(1, first=360), USUAL)
    assert len(state.versions[0].evidence) == 1


def test_the_budget_holds_at_exactly_the_tolerated_rate() -> None:
    quick = FilterFault(FilterFaultPolicy(page_every=timedelta(minutes=100), min_subjects=2), "p1")
    waits = []
    for seed in range(20):
        state, _ = run(quick, [found(10**7, 5 * 10**4, minute=n) for n in range(61)])
        counts = np.random.default_rng(seed).negative_binomial(10, 10 / (10 + 7.5), 1500)
        events = [found(1000, int(count), minute=61 + n, live=1) for n, count in enumerate(counts)]
        signals = run(quick, events, state)[1]
        waits.append((signals[0].at - START) / MINUTE - 61 if signals else 1500)
    assert np.mean(waits) >= 100


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000), st.sampled_from("abc")), max_size=40))
def test_the_state_stays_finite_and_small_whatever_comes(steps: list[tuple[int, int, str]]) -> None:
    state = USUAL
    for n, (evaluated, blocked, version) in enumerate(steps):
        event = found(evaluated, min(blocked, evaluated), minute=360 + n // 3, version=version)
        state, signals = FAULT.step(state, event)
        assert all(isfinite(one) for version in state.versions for one in version.evidence)
        assert all(isfinite(signal.statistic.value) for signal in signals)
    assert len(msgspec.msgpack.encode(state)) < 600


@pytest.mark.parametrize("step", ["90s", "7m"])
def test_a_step_that_does_not_fill_a_day_in_whole_minutes_is_refused(step: str) -> None:
    with pytest.raises(ValidationError):
        FilterFaultPolicy.model_validate({"step": step})
