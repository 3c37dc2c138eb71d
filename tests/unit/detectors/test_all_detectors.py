"""What every detector must do, whatever it looks for."""

import sys
from typing import Any

import msgspec
import pytest
from detector_traffic import SUBJECT, run
from every_detector import EVERY, Tried

from policy.detectors import Detectors


@pytest.fixture(params=EVERY)
def subject(request: pytest.FixtureRequest) -> Tried:
    return EVERY[request.param]


def test_no_detector_of_the_policy_is_left_out() -> None:
    assert set(Detectors.model_fields) <= set(EVERY)


def test_it_is_silent_on_quiet_traffic(subject: Tried) -> None:
    assert run(subject.detector, subject.quiet)[1] == []


def test_it_speaks_on_abnormal_traffic(subject: Tried) -> None:
    assert run(subject.detector, subject.abnormal)[1]


def test_a_replay_gives_the_same_state_and_signals_ids_included(subject: Tried) -> None:
    assert run(subject.detector, subject.abnormal) == run(subject.detector, subject.abnormal)


@pytest.mark.parametrize("codec", [msgspec.msgpack, msgspec.json], ids=["msgpack", "json"])
def test_a_state_survives_storage_at_any_moment(subject: Tried, codec: Any) -> None:
    _, expected = run(subject.detector, subject.abnormal)
    state, signals = subject.detector.initial("key"), []
    for event in subject.abnormal:
        stored = codec.decode(codec.encode(state), type=type(state))
        assert stored == state
        state, found = subject.detector.step(stored, event)
        signals += found
    assert signals == expected


def test_a_step_leaves_its_state_as_it_was(subject: Tried) -> None:
    state = subject.detector.initial("key")
    for event in subject.abnormal:
        before = msgspec.msgpack.encode(state)
        following, _ = subject.detector.step(state, event)
        assert msgspec.msgpack.encode(state) == before
        state = following


def test_the_same_state_and_event_give_the_same_result(subject: Tried) -> None:
    state = subject.detector.initial("key")
    for event in subject.abnormal:
        first, second = subject.detector.step(state, event), subject.detector.step(state, event)
        assert first == second
        state = first[0]


def test_a_redelivered_suffix_applied_to_its_own_start_repeats_itself(subject: Tried) -> None:
    middle = len(subject.abnormal) // 2
    state, _ = run(subject.detector, subject.abnormal[:middle])
    suffix = subject.abnormal[middle:]
    assert run(subject.detector, suffix, state) == run(subject.detector, suffix, state)


def test_a_state_stays_small(subject: Tried, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = []
    for events in (subject.quiet, subject.abnormal):
        state, largest = subject.detector.initial("key"), 0
        for event in events:
            state, _ = subject.detector.step(state, event)
            largest = max(largest, len(msgspec.msgpack.encode(state)))
        sizes.append(largest)
    with capsys.disabled():
        sys.stdout.write(f" {type(subject.detector).__name__} state: quiet {sizes[0]} B, abnormal {sizes[1]} B ")
    assert max(sizes) <= subject.largest_state


def test_signals_tell_what_where_and_under_which_policy(subject: Tried) -> None:
    _, signals = run(subject.detector, subject.abnormal)
    assert len({signal.id for signal in signals}) == len(signals)
    for signal in signals:
        assert signal.policy_version == "p1"
        assert signal.tenant in ("contoso", "watchfloor")
        assert "|" in signal.key
        assert signal.subject is None or signal.subject in (SUBJECT, signal.key.rpartition("|")[2])
        assert signal.statistic.value >= signal.statistic.threshold
        assert signal.numbers is None or signal.expectation is None
        assert len(signal.words) > 40
