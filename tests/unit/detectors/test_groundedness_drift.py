"""Falls of a mean are found in time, and told no more often than they should be."""

from datetime import timedelta
from itertools import pairwise
from math import isfinite

import pytest
from detector_traffic import DRIFT, SCORES, START, run, scores
from hypothesis import given
from hypothesis import strategies as st

from policy.detectors import GroundednessDriftPolicy
from streams.detectors.groundedness_drift import DriftState, GroundednessDrift, Score

SMALL = GroundednessDrift(GroundednessDriftPolicy(reference_size=50, false_alarm_every=100), "p1")


def _score(number: int, value: float) -> Score:
    return Score(SCORES, f"s{number}", START + timedelta(minutes=number), value)


@pytest.mark.parametrize(("fallen_to", "within"), [(0.75, 60), (0.65, 25), (0.80, 400)])
def test_a_fall_is_found_soon(fallen_to: float, within: int) -> None:
    delays = []
    for seed in range(6):
        _, signals = run(DRIFT, scores((1200, 0.85), (900, fallen_to), seed=seed))
        delays.append(int(signals[0].evidence[0][1:]) - 1200)
    assert sorted(delays)[3] <= within


def test_a_page_tells_the_reference_and_what_was_seen() -> None:
    _, (signal, *_) = run(DRIFT, scores((1100, 0.85), (200, 0.6)))
    assert signal.level == "page"
    assert signal.categories == ("ungrounded",)
    assert signal.expectation is not None
    assert signal.expectation.expected == pytest.approx(0.85, abs=0.02)
    assert signal.expectation.seen < 0.75
    assert START < signal.expectation.since <= signal.at
    assert "contoso gpt-4o groundedness by ragas 1: mean 0." in signal.words


def test_a_fall_within_the_margin_is_no_alarm() -> None:
    steady = GroundednessDrift(GroundednessDriftPolicy(margin=0.1), "p1")
    assert run(steady, scores((1000, 0.85), (3000, 0.80)))[1] == []


def test_a_fall_that_lasts_is_told_again_but_not_score_by_score() -> None:
    _, signals = run(DRIFT, scores((1000, 0.85), (2200, 0.6)))
    assert 4 <= len(signals) <= 5
    gaps = [(later.at - earlier.at) / timedelta(minutes=3) for earlier, later in pairwise(signals)]
    assert min(gaps) > 500


def test_the_reference_stays_frozen() -> None:
    state, _ = run(DRIFT, scores((1000, 0.85)))
    later, _ = run(DRIFT, scores((800, 0.5), seed=2), state)
    assert (later.scores, later.mean, later.squares) == (state.scores, state.mean, state.squares)


def test_a_recovered_series_is_quiet_again() -> None:
    state, signals = run(DRIFT, scores((1000, 0.85), (60, 0.6)))
    assert len(signals) == 1
    assert run(DRIFT, scores((3000, 0.85), seed=5), state)[1] == []


@pytest.mark.parametrize("value", [float("nan"), -0.1, 1.1, float("inf")])
def test_what_is_no_score_changes_nothing(value: float) -> None:
    state, _ = run(SMALL, [_score(i, 0.8) for i in range(70)])
    assert SMALL.step(state, _score(70, value)) == (state, ())


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_constant_reference_is_no_trouble(value: float) -> None:
    state, signals = run(SMALL, [_score(i, value) for i in range(200)])
    assert signals == []
    assert isinstance(state, DriftState)


@given(st.lists(st.floats(0, 1), min_size=50, max_size=150))
def test_the_statistic_is_never_nan(values: list[float]) -> None:
    state = SMALL.initial(SCORES)
    for number, value in enumerate(values):
        state, signals = SMALL.step(state, _score(number, value))
        assert all(isfinite(x) for x in state.evidence)
        assert all(isfinite(signal.statistic.value) for signal in signals)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_lower_score_is_never_weaker_evidence(one: float, other: float) -> None:
    state, _ = run(SMALL, [_score(i, 0.7 + 0.2 * (i % 2)) for i in range(50)])
    (low, _), (high, _) = (SMALL.step(state, _score(50, value)) for value in sorted((one, other)))
    assert all(a >= b for a, b in zip(low.evidence, high.evidence, strict=True))
