"""API keys judged by closed minutes: as people are, without naming events."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from detector_traffic import OFFENDER, START, SUBJECT, requests, run, verdict
from hypothesis import given
from hypothesis import strategies as st

from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.baselines import Baseline
from streams.detectors.gamma_poisson import Prior
from streams.detectors.key_offender import KeyMinute, KeyOffender, KeyState
from streams.detectors.offender_state import Gain, gain

KEY = f"contoso|{SUBJECT}"
KEYS = KeyOffender(RepeatOffenderPolicy(), "p1")


def minute(number: float, requested: int, violations: int = 0, *, gravity: int = 0, varied: int = 0) -> KeyMinute:
    return KeyMinute(KEY, START + timedelta(minutes=number), requested, violations, gravity, varied)


def busy(seed: int, *, minutes: int, rate: float) -> Iterable[KeyMinute]:
    chance = np.random.default_rng(seed)
    for number in range(minutes):
        asked = int(chance.poisson(20))
        blocked = int(chance.binomial(asked, rate))
        yield minute(number, asked, blocked, gravity=2 * blocked)


def test_a_key_that_keeps_within_the_permitted_rate_is_left_alone() -> None:
    assert run(KEYS, busy(1, minutes=2000, rate=0.01))[1] == []


def test_a_key_above_the_permitted_rate_is_found_and_told_again_while_it_goes_on() -> None:
    _, signals = run(KEYS, busy(2, minutes=300, rate=0.05))
    levels = [signal.level for signal in signals]
    assert levels[-1] == "block"
    assert len(signals) > 5
    counts = [signal.numbers.count for signal in signals if signal.numbers]
    assert all(later - earlier >= 5 for earlier, later in pairwise(counts[3:]))


def test_a_signal_names_the_key_and_no_events() -> None:
    signal = run(KEYS, busy(2, minutes=300, rate=0.05))[1][-1]
    assert (signal.scope, signal.subject, signal.key) == ("api_key", SUBJECT, KEY)
    assert signal.evidence == ()
    assert signal.numbers is not None
    assert signal.numbers.gravity == pytest.approx(2.0)
    assert "requests made with this API key were blocked (mean severity 2.0 of 3)" in signal.words
    assert "Typical keys: 0.5 %." in signal.words
    assert "evidence" not in signal.words


def test_a_baseline_for_keys_judges_keys_only() -> None:
    given = {"product": "*", "violations": 9.0, "requests": 200.0, "subjects": 400, "fitted_to": START}
    of_keys = Baseline(id="", scope="api_key", holds_from=START, **given).identified()
    of_people = Baseline.of(Prior(9.0, 200.0), "*", subjects=400, fitted_to=START, holds_from=START)
    events = list(busy(3, minutes=60, rate=0.04))
    assert run(KEYS.with_baseline(of_people), events) == run(KEYS, events)
    assert of_keys.id in run(KEYS.with_baseline(of_keys), events)[1][-1].words


def test_minutes_of_one_person_give_what_the_persons_own_events_give() -> None:
    """Fed with what each step gained, minute by minute, the totals are those of the subject."""
    state, keys = OFFENDER.initial("key"), KEYS.initial(KEY)
    for event in requests(2, days=5, per_day=40, rate=0.3):
        after, _ = OFFENDER.step(state, event)
        gained, state = gain(state, after), after
        start = event.at.replace(second=0, microsecond=0)
        closed = KeyMinute(KEY, start, gained.requests, gained.violations, gained.severity, gained.varied)
        keys, _ = KEYS.step(keys, closed)
    assert state.case is not None
    assert (keys.requests, keys.violations) == (state.requests, state.case.violations)
    assert (keys.severity, keys.varied) == (state.case.severity, state.case.varied)
    assert keys.requests_weight == pytest.approx(state.weight, rel=1e-3)
    assert keys.violations_weight == pytest.approx(state.case.weight, rel=1e-3)


def test_what_a_step_gained_is_counted_once() -> None:
    before = OFFENDER.initial("key")
    first, _ = OFFENDER.step(before, verdict(1, 0, state="blocked", severity=1))
    graver, _ = OFFENDER.step(first, verdict(1, 0, state="blocked", severity=3, category="hate", event_id="e"))
    again, _ = OFFENDER.step(graver, verdict(1, 0))
    assert gain(before, first) == Gain(1, 1, 1, 0)
    assert gain(first, graver) == Gain(0, 0, 2, 0)
    assert gain(graver, again) == Gain(0, 0, 0, 0)


@given(st.permutations([(0, 9, 1), (3, 5, 0), (9, 2, 2), (700, 8, 1)]))
def test_minutes_commute(order: list[tuple[int, int, int]]) -> None:
    state, _ = run(KEYS, [minute(number, asked, blocked) for number, asked, blocked in order])
    expected, _ = run(KEYS, [minute(number, asked, blocked) for number, asked, blocked in sorted(order)])
    assert (state.requests, state.violations, state.at, state.since) == (24, 4, expected.at, expected.since)
    assert state.requests_weight == pytest.approx(expected.requests_weight, rel=1e-9)
    assert state.violations_weight == pytest.approx(expected.violations_weight, rel=1e-9)


def test_a_violation_may_be_told_before_its_request() -> None:
    state, signals = run(KEYS, [minute(5, 0, 6, gravity=12)])
    assert (state.requests, state.violations) == (6, 6)
    assert signals[0].numbers is not None
    assert signals[0].numbers.share == 1.0


def test_an_empty_minute_changes_nothing() -> None:
    assert KEYS.step(KeyState(), minute(1, 0)) == (KeyState(), ())


def test_a_replay_through_storage_gives_the_same_signals_ids_included() -> None:
    events = list(busy(2, minutes=200, rate=0.05))
    state, signals, largest = KEYS.initial(KEY), [], 0
    for event in events:
        stored = msgspec.msgpack.encode(state)
        largest = max(largest, len(stored))
        state, found = KEYS.step(msgspec.msgpack.decode(stored, type=KeyState), event)
        signals += found
    assert (state, signals) == run(KEYS, events)
    assert len({signal.id for signal in signals}) == len(signals)
    assert largest <= 64
