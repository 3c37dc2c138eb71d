"""A trace says what stood at an event, what was missing, and without what it would not have been; checked by replay."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_records import START, blocked, verdict

from events import FilterVerdict, SeriesKey
from events.decoder import Decoder
from policy import load_policy, parse_policy
from streams.detectors.category_spike import CategorySpike, StepCount
from streams.detectors.groundedness_drift import Score
from streams.probes import SignalProbe, drift_probe, fewer, spike_detectors, suspects, watched
from streams.trace import Course, Trace, trace, without

POLICY = load_policy("azure-default")
PROBE = suspects(POLICY)["repeat_offender"].probe
DECODE = Decoder(FilterVerdict).decode
KEY = "contoso|k1.aaaaaaaaaaaaaaaaaaaaaaaaaa"


def fast(event: FilterVerdict) -> FilterVerdict:
    return DECODE(event.model_dump_json(exclude_none=True).encode())


def history(marks: str) -> list[FilterVerdict]:
    """One verdict every ten minutes: `x` blocked, anything else clean."""
    return [
        fast((blocked if mark == "x" else verdict)(number, at=START + timedelta(minutes=10 * number)))
        for number, mark in enumerate(marks)
    ]


def at_the_end(marks: str) -> Trace:
    course = Course(PROBE, KEY, history(marks))
    return trace(course, len(marks) - 1)


def reached(found: Trace) -> set[str]:
    return {one.level for one in found.readings if one.reached}


def by_path(found: Trace) -> set[tuple[str, str]]:
    return {(one.level, one.path) for one in found.readings if one.reached}


def test_a_clean_event_is_short_of_every_level_and_needs_more_the_higher_it_is() -> None:
    found = at_the_end("....")
    assert (found.signals, reached(found), found.counterfactual) == ((), set(), None)
    more = [one.more or 0 for one in found.needed if one.path.startswith("P(")]
    assert more == sorted(more)
    assert min(more) > 1
    assert {one.path for one in found.needed} == {one.path for one in found.readings}


def test_further_violations_as_many_as_said_reach_the_level_and_one_less_does_not() -> None:
    marks = "x..x."
    for one in at_the_end(marks).needed:
        assert one.more
        assert (one.level, one.path) in by_path(at_the_end(marks + "x" * one.more))
        assert (one.level, one.path) not in by_path(at_the_end(marks + "x" * (one.more - 1)))


def test_a_level_that_nothing_reaches_says_so() -> None:
    rules = POLICY.policy.detectors.repeat_offender.model_copy(update={"block_min_violations": 1000})
    detectors = POLICY.policy.detectors.model_copy(update={"repeat_offender": rules})
    policy = type(POLICY)(POLICY.policy.model_copy(update={"detectors": detectors}), "pol_x", "test")
    course = Course(suspects(policy)["repeat_offender"].probe, KEY, history("xxx"))
    assert {one.level: one.more for one in trace(course, 2).needed}["block"] is None
    (block,) = (one for one in trace(course, 2).readings if one.level == "block")
    assert block.also == "3 of 1000 violations"


def test_a_signal_is_found_at_its_event_with_what_crossed() -> None:
    course = Course(PROBE, KEY, history("x.x.x.x.x.x"))
    (at, signal), *_ = [(at, one) for at, found in enumerate(course.fired) for one in found]
    found = trace(course, at)
    assert course.place_of(signal.id) == at
    assert found.signals == (signal,)
    assert any(
        (one.level, one.value, one.threshold) == (signal.level, signal.statistic.value, signal.statistic.threshold)
        for one in found.readings
    )


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="x.", min_size=1, max_size=40))
def test_without_the_counterfactual_the_level_is_not_reached_and_with_any_of_it_it_is(marks: str) -> None:
    events = history(marks)
    found = trace(Course(PROBE, KEY, events), len(events) - 1)
    if found.counterfactual is None:
        assert not reached(found)
        return
    gone = set(found.counterfactual.without)
    assert gone
    levels = {"review": 1, "restrict": 2, "block": 3}
    gravest = max(map(levels.__getitem__, reached(found)))

    def level_without(left_out: set[str]) -> int:
        rest = [event for event in events if event.event_id not in left_out]
        if not rest:
            return 0
        course = Course(PROBE, KEY, rest)
        readings = PROBE.readings(course.states[-1], events[-1])
        return max((levels[one.level] for one in readings if one.reached), default=0)

    assert level_without(gone) < gravest
    assert all(level_without(gone - {one}) >= gravest for one in gone)


class Third:
    """Fires at every third event; it tells nothing but its signals."""

    def initial(self, key: str) -> int:
        return 0

    def step(self, state: int, event: Any) -> tuple[int, tuple[Any, ...]]:
        signal = course_signal(event.event_id)
        return state + 1, (signal,) if (state + 1) % 3 == 0 else ()


def course_signal(name: str) -> Any:
    course = Course(PROBE, KEY, history("x.x.x.x.x.x"))
    signal = next(one for found in course.fired for one in found)
    return signal.replace(id=f"sig_{name}", detector="rule.third", level="review")


def test_a_detector_that_only_tells_by_signals_is_traced_by_them() -> None:
    course = Course(SignalProbe(Third(), "rule.third"), KEY, history("...."))
    found = trace(course, 2)
    assert (found.detector, found.readings, found.needed) == ("rule.third", (), ())
    assert found.counterfactual
    assert found.counterfactual.without == (course.events[2].event_id,)
    assert trace(course, 3).counterfactual is None
    assert [(one.level, one.more) for one in trace(course, 3).needed] == [("review", 2)]


RULES = """
extends: azure-default
name: rules
author: test
rules:
  - name: blocks
    title: Blocks
    why: Several of your requests were blocked within a short time.
    type: value_count
    on: verdicts
    where: {state: blocked}
    group_by: [subject, session]
    timespan: 1h
    condition: {gte: 3}
    field: request_id
"""


def test_a_rule_of_the_policy_is_traced_within_its_group() -> None:
    rule = suspects(parse_policy(RULES, "rules"))["rule.blocks"]
    ours, other = (f"k1.{letter * 26}" for letter in "st")
    marks = [(ours, "x"), (other, "x"), (ours, "."), (ours, "x"), (other, "x"), (ours, "x")]
    events = [
        fast((blocked if mark == "x" else verdict)(number, session=session))
        for number, (session, mark) in enumerate(marks)
    ]
    own = rule.alike(events, events[-1].event_id)
    assert [event.event_id for event in own] == [events[place].event_id for place in (0, 3, 5)]
    course = Course(rule.probe, KEY, own)
    found = trace(course, 2)
    assert (rule.on, found.detector, len(found.signals)) == ("verdicts", "rule.blocks", 1)
    assert found.counterfactual
    assert found.counterfactual.without == (events[-1].event_id,)
    assert [(one.level, one.more) for one in trace(course, 1).needed] == [("review", 1)]
    assert rule.alike(events, events[2].event_id) == []


SPIKE: CategorySpike = spike_detectors(POLICY)[0]
SERIES = str(SeriesKey("contoso", "gpt-4o", "azure.openai", "hate", "prompt"))


def steps(counts: list[int], live: int = 4) -> list[StepCount]:
    start = datetime(2026, 11, 2, tzinfo=UTC)
    return [StepCount(SERIES, start + number * SPIKE.length, count, live) for number, count in enumerate(counts)]


def test_as_few_counts_as_said_are_silent_and_one_more_is_not() -> None:
    state, events = SPIKE.initial(SERIES), steps([5, 4, 6] * 20 + [60])
    for event in events:
        before = state
        state, signals = SPIKE.step(state, event)
    (signal,) = signals
    found = fewer(SPIKE, before, events[-1], signal.level)
    assert found.count == 60
    assert found.silent_at is not None
    assert 5 < found.silent_at < 60

    def levels(count: int) -> list[str]:
        return [one.level for one in SPIKE.step(before, StepCount(SERIES, event.start, count, 4))[1]]

    assert "page" not in levels(found.silent_at)
    assert levels(found.silent_at + 1) == ["page"] == [signal.level]
    assert watched(SPIKE, signal.statistic.threshold, level=signal.level) == 4


def test_a_fall_of_scores_is_undone_by_leaving_out_its_lowest() -> None:
    size = POLICY.policy.detectors.groundedness_drift.reference_size
    values = [0.9 - 0.05 * (number % 2) for number in range(size)] + [0.3] * 200
    key = "contoso|gpt-4o|-|groundedness|judge|1"
    scores = [Score(key, f"s{at}", START + timedelta(seconds=at), value) for at, value in enumerate(values)]
    course = Course(drift_probe(POLICY), key, scores)
    at = next(place for place, fired in enumerate(course.fired) if fired)
    order = sorted(range(size, at + 1), key=lambda place: values[place])
    found = without(course, at, "page", order=order, called="lowest first")
    assert 1 <= len(found.without) <= at + 1 - size
    assert found.order == "lowest first"


@pytest.mark.parametrize("scope", ["api_key"])
def test_a_scope_that_lies_in_many_partitions_has_no_trace(scope: Any) -> None:
    assert suspects(POLICY, scope) == {}
