"""What every detector must do, whatever it looks for."""

import sys
from typing import Any, NamedTuple

import msgspec
import pytest
from detector_traffic import DRIFT, OFFENDER, SPIKE, SUBJECT, daily, drawn, requests, run, scores, steps


class Subject(NamedTuple):
    detector: Any
    quiet: list[Any]
    abnormal: list[Any]
    largest_state: int
    """Bytes of msgpack."""


def _spiky() -> list[Any]:
    means = daily(400, base=20, amplitude=0.3)
    means[300:330] *= 4
    return steps(drawn(means, seed=3))


SUBJECTS = {
    "repeat_offender": Subject(
        OFFENDER,
        list(requests(1, days=30, per_day=30, rate=0.003)),
        list(requests(2, days=10, per_day=20, rate=0.5)),
        largest_state=1500,
    ),
    "category_spike": Subject(SPIKE, steps(drawn(daily(2016, base=8, amplitude=0.8), seed=2)), _spiky(), 1100),
    "groundedness_drift": Subject(DRIFT, scores((4000, 0.85)), scores((1100, 0.85), (900, 0.6)), 600),
}


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Subject:
    return SUBJECTS[request.param]


def test_it_is_silent_on_quiet_traffic(subject: Subject) -> None:
    assert run(subject.detector, subject.quiet)[1] == []


def test_it_speaks_on_abnormal_traffic(subject: Subject) -> None:
    assert run(subject.detector, subject.abnormal)[1]


def test_a_replay_gives_the_same_state_and_signals_ids_included(subject: Subject) -> None:
    assert run(subject.detector, subject.abnormal) == run(subject.detector, subject.abnormal)


@pytest.mark.parametrize("codec", [msgspec.msgpack, msgspec.json], ids=["msgpack", "json"])
def test_a_state_survives_storage_at_any_moment(subject: Subject, codec: Any) -> None:
    _, expected = run(subject.detector, subject.abnormal)
    state, signals = subject.detector.initial("key"), []
    for event in subject.abnormal:
        stored = codec.decode(codec.encode(state), type=type(state))
        assert stored == state
        state, found = subject.detector.step(stored, event)
        signals += found
    assert signals == expected


def test_a_step_leaves_its_state_as_it_was(subject: Subject) -> None:
    state = subject.detector.initial("key")
    for event in subject.abnormal:
        before = msgspec.msgpack.encode(state)
        following, _ = subject.detector.step(state, event)
        assert msgspec.msgpack.encode(state) == before
        state = following


def test_the_same_state_and_event_give_the_same_result(subject: Subject) -> None:
    state = subject.detector.initial("key")
    for event in subject.abnormal:
        first, second = subject.detector.step(state, event), subject.detector.step(state, event)
        assert first == second
        state = first[0]


def test_a_redelivered_suffix_applied_to_its_own_start_repeats_itself(subject: Subject) -> None:
    middle = len(subject.abnormal) // 2
    state, _ = run(subject.detector, subject.abnormal[:middle])
    suffix = subject.abnormal[middle:]
    assert run(subject.detector, suffix, state) == run(subject.detector, suffix, state)


def test_a_state_stays_small(subject: Subject, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_signals_tell_what_where_and_under_which_policy(subject: Subject) -> None:
    _, signals = run(subject.detector, subject.abnormal)
    assert len({signal.id for signal in signals}) == len(signals)
    for signal in signals:
        assert signal.policy_version == "p1"
        assert signal.tenant == "contoso"
        assert signal.key.startswith("contoso|")
        assert signal.subject in (None, SUBJECT)
        assert signal.statistic.value >= signal.statistic.threshold
        assert (signal.numbers is None) != (signal.expectation is None)
        assert len(signal.words) > 40
