"""Activities that stop are told as soon as their volume allows, and rows that do not follow their events too."""

from datetime import timedelta
from itertools import islice
from math import exp, isfinite

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from operations_traffic import DAY, SILENCE, START, STEP, STORAGE, activity, days, progress, run, worked
from pydantic import ValidationError

from policy.silence import SilencePolicy
from streams.detectors.silence import Silence
from streams.detectors.unstored import Unstored

NOON = 144
TWO_WEEKS = 14 * DAY
KNOWN = run(SILENCE, activity(days(14)))[0]
"""Two weeks of an office, up to Sunday midnight."""


def _stopped(*, events: float, after: int, key: str = "activity|contoso", left: float = 0.0) -> float:
    """Steps until a stop at noon, `after` days in, is told; infinite within a day."""
    counts = days(after + 2, events=events)
    onset = after * DAY + NOON
    counts[onset:] = np.random.default_rng(1).binomial(counts[onset:], left)
    signals = run(SILENCE, activity(counts[: onset + DAY], key=key))[1]
    assert all(signal.at >= START + onset * STEP for signal in signals)
    return (signals[0].at - START) / STEP - onset + 1 if signals else float("inf")


@pytest.mark.parametrize("events", [0.05, 0.5, 5, 50, 500])
def test_nights_and_weekends_are_no_silence(events: float) -> None:
    assert run(SILENCE, activity(days(28, events=events)))[1] == []


def test_a_busy_tenant_that_stops_is_told_within_an_hour_and_one_that_nearly_stops_soon_after() -> None:
    assert _stopped(events=50, after=14) <= 12
    assert _stopped(events=50, after=14, left=0.1) <= 24


def test_less_traffic_means_more_patience() -> None:
    waits = [_stopped(events=events, after=14) for events in (50, 5, 1)]
    assert waits == sorted(waits)
    assert waits[2] > 25


def test_a_tenant_of_a_few_requests_a_day_is_not_judged_within_a_day() -> None:
    assert _stopped(events=0.05, after=14) == float("inf")


def test_nothing_is_judged_in_the_first_week() -> None:
    assert _stopped(events=50, after=3) == float("inf")


def test_half_the_traffic_is_no_silence() -> None:
    assert _stopped(events=50, after=14, left=0.6) == float("inf")


def test_a_ticket_tells_what_was_expected_since_when() -> None:
    quiet = activity([0] * DAY, first=TWO_WEEKS)
    signal = run(SILENCE, quiet, KNOWN)[1][0]
    assert (signal.detector, signal.level, signal.subject) == ("silence", "ticket", None)
    assert (signal.tenant, signal.key) == ("contoso", "activity|contoso")
    assert signal.expectation is not None
    assert signal.expectation.seen == 0
    assert signal.expectation.since - START == timedelta(days=14)
    assert signal.words.startswith("contoso: no events since 2026-03-16 00:00 UTC where at least ")
    assert signal.words.endswith("were expected, ticket budget one per 7d")


def test_a_topic_is_paged_for_and_belongs_to_no_tenant() -> None:
    state, _ = run(SILENCE, activity(days(14), key="activity||filter-verdicts"))
    signal = run(SILENCE, activity([0] * DAY, key="activity||filter-verdicts", first=TWO_WEEKS), state)[1][0]
    assert (signal.level, signal.tenant, signal.key) == ("page", "watchfloor", "activity||filter-verdicts")
    assert signal.words.startswith("filter-verdicts: no events")


def test_a_provider_of_a_tenant_is_named_with_it() -> None:
    key = "activity|contoso|azure.openai"
    state, _ = run(SILENCE, activity(days(14), key=key))
    signal = run(SILENCE, activity([0] * DAY, key=key, first=TWO_WEEKS), state)[1][0]
    assert (signal.level, signal.tenant) == ("ticket", "contoso")
    assert signal.words.startswith("contoso azure.openai: no events")


def test_an_outage_is_told_once_and_the_next_one_again() -> None:
    counts = days(18)
    counts[TWO_WEEKS + NOON : TWO_WEEKS + NOON + 60] = 0
    counts[TWO_WEEKS + DAY + NOON : TWO_WEEKS + DAY + NOON + 60] = 0
    signals = run(SILENCE, activity(counts))[1]
    assert [(signal.at - START) // timedelta(days=1) for signal in signals] == [14, 15]


def test_an_outage_is_not_learnt_but_one_that_stays_is() -> None:
    state, signals = run(SILENCE, activity([0] * 2 * DAY, first=TWO_WEEKS), KNOWN)
    assert len(signals) == 1
    assert max(state.usual.events) == max(KNOWN.usual.events)
    later, signals = run(SILENCE, activity([0] * 20 * DAY, first=TWO_WEEKS + 2 * DAY), state)
    assert signals == []
    assert max(later.usual.events) == 0


def test_a_pause_that_it_recovered_from_is_not_told_the_next_time() -> None:
    counts = days(12, events=2, seed=5)
    for day in range(12):
        counts[day * DAY + NOON : day * DAY + NOON + 50 + day // 4] = 0
    state, signals = run(SILENCE, activity(counts))
    assert signals == []
    assert state.deepest > 0


def test_requests_that_come_in_bursts_count_as_few() -> None:
    rng = np.random.default_rng(3)
    counts = np.where(rng.random(28 * DAY) < 0.02, 30, 0)
    state, signals = run(SILENCE, activity(counts))
    assert signals == []
    assert SILENCE._usual.burst(state.usual) == pytest.approx(30, rel=0.5)


def test_more_activities_raise_the_bound_in_powers_of_two() -> None:
    def threshold(live: int) -> float:
        return run(SILENCE, activity([0] * DAY, first=TWO_WEEKS, live=live), KNOWN)[1][0].statistic.threshold

    assert exp(threshold(1)) == pytest.approx(2016)
    assert threshold(129) == threshold(256)


def test_a_step_not_after_the_last_one_changes_nothing() -> None:
    for late in activity([0] * 10, first=TWO_WEEKS - 10):
        assert SILENCE.step(KNOWN, late) == (KNOWN, ())


def test_an_activity_that_nobody_told_of_for_long_starts_anew() -> None:
    state, signals = run(SILENCE, activity([0] * DAY, first=TWO_WEEKS + 20 * DAY), KNOWN)
    assert signals == []
    assert max(state.usual.events) == 0


def test_a_policy_with_another_mixture_takes_over_a_running_state() -> None:
    other = Silence(SilencePolicy(remainders=(0.2,)), "p2")
    state, _ = run(other, activity([20], first=TWO_WEEKS), KNOWN)
    assert len(state.evidence) == 1


@given(st.lists(st.integers(0, 10**6), max_size=40), st.integers(0, 10_000))
def test_the_state_stays_finite_and_small_whatever_is_counted(counts: list[int], live: int) -> None:
    state = KNOWN
    for event in activity(counts, first=TWO_WEEKS, live=live):
        state, signals = SILENCE.step(state, event)
        assert all(isfinite(one) for one in state.evidence)
        assert all(isfinite(signal.statistic.value) for signal in signals)
    assert len(msgspec.msgpack.encode(state)) < 1100


def test_an_archiver_that_follows_is_silent() -> None:
    state, signals = run(STORAGE, worked(300, stored_until=300))
    assert signals == []
    assert not state.told


def test_an_archiver_that_stops_is_told_once_within_storage_after() -> None:
    signals = run(STORAGE, worked(120, stored_until=50))[1]
    assert len(signals) == 1
    signal = signals[0]
    assert 15 <= (signal.at - START) / timedelta(minutes=1) - 50 <= 17
    assert (signal.level, signal.tenant, signal.key) == ("page", "watchfloor", "storage|filter-verdicts|3")
    assert signal.expectation is not None
    assert abs(signal.expectation.since - START - timedelta(minutes=50)) <= timedelta(minutes=1)
    assert signal.words.startswith(
        "filter-verdicts partition 3: what was read by 2026-03-02 00:50 UTC is not stored 15m"
    )


def test_an_archiver_that_never_spoke_is_found_by_the_workers_progress_alone() -> None:
    signals = run(STORAGE, worked(60, stored_until=-1))[1]
    assert len(signals) == 1
    assert (signals[0].at - START) / timedelta(minutes=1) == 15


def test_an_archiver_that_is_always_late_by_more_is_told() -> None:
    said = []
    for minute in range(90):
        said.append(progress("worker", 100 * (minute + 1), minute))
        said.append(progress("archiver", 100 * max(0, minute - 20), minute))
    assert run(STORAGE, said)[1]


def test_it_is_told_again_after_it_had_caught_up() -> None:
    state, _ = run(STORAGE, worked(60, stored_until=10))
    state, signals = run(STORAGE, [progress("archiver", 6000, 61)], state)
    assert (signals, state.told) == ([], False)
    again = [progress("worker", 6000 + 100 * n, 61 + n) for n in range(1, 30)]
    assert len(run(STORAGE, again, state)[1]) == 1


def test_a_partition_without_events_is_not_late() -> None:
    assert run(STORAGE, [progress("worker", 0, minute) for minute in range(60)])[1] == []


def test_a_log_that_begins_anew_is_followed_from_there() -> None:
    state, _ = run(STORAGE, worked(60, stored_until=60))
    state, signals = run(STORAGE, [progress("worker", 10, 61), progress("worker", 20, 62)], state)
    assert signals == []
    assert (state.read, state.stored) == (20, 10)
    assert len(run(STORAGE, [progress("worker", 30, minute) for minute in range(63, 90)], state)[1]) == 1


@given(st.lists(st.tuples(st.sampled_from(["worker", "archiver"]), st.integers(0, 10**12), st.floats(0, 1e6))))
def test_the_state_of_a_partition_is_small_and_its_signals_are_late(said: list[tuple[str, int, float]]) -> None:
    state: Unstored = STORAGE.initial("key")
    for by, offset, minute in islice(said, 50):
        state, signals = STORAGE.step(state, progress(by, offset, minute))
        assert all(signal.statistic.value >= 900 for signal in signals)
    assert len(msgspec.msgpack.encode(state)) < 60


@pytest.mark.parametrize("step", ["90s", "7m"])
def test_a_step_that_does_not_fill_a_day_in_whole_minutes_is_refused(step: str) -> None:
    with pytest.raises(ValidationError):
        SilencePolicy.model_validate({"step": step})
