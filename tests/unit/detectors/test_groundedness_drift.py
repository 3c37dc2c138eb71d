"""Falls of a mean are found in time, and told no more often than they should be."""

import re
from datetime import timedelta
from itertools import pairwise
from math import isfinite, log

import msgspec
import numpy as np
import pytest
from detector_traffic import DRIFT, SCORES, START, run, scores
from hypothesis import given
from hypothesis import strategies as st

from alerts.signal import Signal
from policy.groundedness_drift import GroundednessDriftPolicy
from streams.detectors.groundedness_drift import DriftState, GroundednessDrift, Score

SMALL = GroundednessDrift(GroundednessDriftPolicy(reference_size=50, false_alarm_every=100), "p1")


MEAN_ONLY = GroundednessDrift(GroundednessDriftPolicy(low_score=0), "p1")
MEAN, LOW = "ln mean Shiryaev-Roberts", "ln mean Shiryaev-Roberts of scores below 0.5"


def _named(signals: list[Signal], name: str) -> list[Signal]:
    return [signal for signal in signals if signal.statistic.name == name]


def _mixed(*parts: tuple[int, float], seed: int = 1) -> list[Score]:
    """Scores of 0.2 with the given share, else so high that the mean is 0.8: (how many, share) per part."""
    chance = np.random.default_rng(seed)
    shares = np.concatenate([np.full(count, share) for count, share in parts])
    low = chance.random(len(shares)) < shares
    high = (0.8 - 0.2 * shares) / (1.0 - shares)
    return [_score(i, float(x)) for i, x in enumerate(np.where(low, 0.2, high))]


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
    (signal,) = _named(run(DRIFT, scores((1100, 0.85), (200, 0.6)))[1], MEAN)
    assert signal.level == "page"
    assert signal.categories == ("ungrounded",)
    assert signal.expectation is not None
    assert signal.expectation.expected == pytest.approx(0.85, abs=0.02)
    assert signal.expectation.seen < 0.75
    assert START < signal.expectation.since <= signal.at
    assert "contoso gpt-4o groundedness by ragas 1: mean 0." in signal.words
    assert "this judge's first 1000 scores since 2026-03-04" in signal.words
    assert signal.filters == ("ragas@1",)


@pytest.mark.parametrize("metric", ["groundedness", "relevance", "coherence", "fluency", "similarity", "tone_of_voice"])
def test_any_metric_is_judged_alike(metric: str) -> None:
    """A judge without a version is named without one."""
    series = f"contoso|gpt-4o|-|{metric}|our-judge|-"
    events = [msgspec.structs.replace(one, series=series) for one in scores((1000, 0.85), (100, 0.6))]
    state, signals = run(DRIFT, events)
    (signal,) = _named(signals, MEAN)
    assert state == run(DRIFT, scores((1000, 0.85), (100, 0.6)))[0]
    assert signal.words.startswith(f"contoso gpt-4o {metric} by our-judge: mean 0.")
    expected = {"groundedness": "ungrounded", "relevance": "irrelevant"}.get(metric, "quality")
    assert (signal.categories, signal.filters) == ((expected,), ("our-judge",))


def test_low_scores_are_found_where_the_mean_stays() -> None:
    _, signals = run(DRIFT, _mixed((1000, 0.02), (400, 0.15)))
    assert {signal.statistic.name for signal in signals} == {LOW}
    signal = signals[0]
    assert signal.expectation is not None
    assert signal.expectation.expected == pytest.approx(0.02, abs=0.01)
    assert 0.05 < signal.expectation.seen < 0.3
    assert re.search(r": \d+\.\d % of scores below 0\.5 \(95 % between .* %\) where \d\.\d % is", signal.words)


def test_a_rise_of_low_scores_within_its_margin_is_no_alarm() -> None:
    steady = GroundednessDrift(GroundednessDriftPolicy(low_margin=0.2), "p1")
    assert run(steady, _mixed((1000, 0.02), (2000, 0.15)))[1] == []


def test_without_a_low_score_the_mean_has_the_whole_budget() -> None:
    _, (signal, *_) = run(MEAN_ONLY, scores((1000, 0.85), (200, 0.6)))
    assert signal.statistic.threshold == pytest.approx(log(10_000))
    assert run(MEAN_ONLY, _mixed((1000, 0.02), (400, 0.15)))[1] == []


def test_two_streams_share_the_budget_and_have_ids_of_their_own() -> None:
    _, signals = run(DRIFT, scores((1000, 0.85), (100, 0.5)))
    assert sorted({signal.statistic.threshold for signal in signals}) == [pytest.approx(log(20_000))]
    assert sorted(signal.statistic.name for signal in signals) == [MEAN, LOW]
    assert len({signal.id for signal in signals}) == 2


def test_a_crossing_of_both_streams_at_one_score_gives_two_signals() -> None:
    state, _ = run(SMALL, [_score(i, 0.9 + 0.001 * (i % 2)) for i in range(50)])
    _, signals = run(SMALL, [_score(i, 0.0) for i in range(50, 60)], state)
    assert {signal.statistic.name for signal in signals} == {MEAN, LOW}
    assert len({signal.id for signal in signals}) == len(signals)


def test_another_low_score_begins_another_reference_of_low_ones() -> None:
    state, _ = run(DRIFT, scores((1200, 0.85)))
    stricter = GroundednessDrift(GroundednessDriftPolicy(low_score=0.7), "p2")
    later, signals = run(stricter, scores((500, 0.85), seed=3), state)
    assert (later.low.scores, later.scores, signals) == (500, 1000, [])


def test_a_state_from_before_the_second_stream_goes_on() -> None:
    """The mean is judged as before; the share of low scores takes its own reference first."""
    old = msgspec.msgpack.encode([1000, 0.85, 11.7, [0.1] * 6, 0, [START.timestamp(), 2, 1.6, ["s1"]]])
    state = msgspec.msgpack.decode(old, type=DriftState)
    later, (signal, *_) = run(DRIFT, scores((100, 0.6)), state)
    assert signal.statistic.name == MEAN
    assert "since" not in signal.words
    assert later.low.scores == 100


def test_none_low_in_the_reference_is_not_taken_for_never() -> None:
    state, _ = run(SMALL, [_score(i, 0.9) for i in range(50)])
    (low,) = [SMALL._low] if SMALL._low else []
    assert low.null(state.low) == pytest.approx(1 - 2 / 54 - 2 * (2 / 54 * 52 / 54 / 54) ** 0.5 - 0.01)


def test_the_first_false_alarm_of_either_stream_takes_at_least_the_budget() -> None:
    """Scores at the edge of both nulls at once: 0 or 1, so that the streams are one and the same."""
    chance, policy = np.random.default_rng(4), GroundednessDriftPolicy(false_alarm_every=100, reference_size=50)
    detector, waits = GroundednessDrift(policy, "p1"), []
    start, _ = run(detector, [_score(i, float(i % 10 > 0)) for i in range(50)])
    edge = min(watch.null(stream) for watch, stream in ((detector._mean, start), (detector._low, start.low)) if watch)
    for _ in range(60):
        state, signals, waited = start, (), 0
        while not signals:
            state, signals = detector.step(state, _score(waited, float(chance.random() < edge)))
            waited += 1
        waits.append(waited)
    assert np.mean(waits) >= 100


def test_a_fall_within_the_margin_is_no_alarm() -> None:
    steady = GroundednessDrift(GroundednessDriftPolicy(margin=0.1), "p1")
    assert run(steady, scores((1000, 0.85), (3000, 0.80)))[1] == []


def test_a_fall_that_lasts_is_told_again_but_not_score_by_score() -> None:
    _, signals = run(DRIFT, scores((1000, 0.85), (2200, 0.6)))
    for name in (MEAN, LOW):
        told = _named(signals, name)
        assert 4 <= len(told) <= 5
        gaps = [(later.at - earlier.at) / timedelta(minutes=3) for earlier, later in pairwise(told)]
        assert min(gaps) > 500


def test_the_reference_stays_frozen() -> None:
    state, _ = run(DRIFT, scores((1000, 0.85)))
    later, _ = run(DRIFT, scores((800, 0.5), seed=2), state)
    for one, other in ((later, state), (later.low, state.low)):
        assert (one.scores, one.mean, one.squares) == (other.scores, other.mean, other.squares)
    assert later.since == START.timestamp()


def test_a_recovered_series_is_quiet_again() -> None:
    state, signals = run(DRIFT, scores((1000, 0.85), (60, 0.6)))
    assert sorted(signal.statistic.name for signal in signals) == [MEAN, LOW]
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
        assert all(isfinite(x) for x in (*state.evidence, *state.low.evidence))
        assert all(isfinite(signal.statistic.value) for signal in signals)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_lower_score_is_never_weaker_evidence(one: float, other: float) -> None:
    state, _ = run(SMALL, [_score(i, 0.7 + 0.2 * (i % 2)) for i in range(50)])
    (low, _), (high, _) = (SMALL.step(state, _score(50, value)) for value in sorted((one, other)))
    assert all(a >= b for a, b in zip(low.evidence, high.evidence, strict=True))
