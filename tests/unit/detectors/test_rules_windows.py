"""Each correlation type against its definition, over every window there is, in whatever order events arrive."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_facts import detector, request, run, shuffled, signals, verdict

SPAN = 60.0
Events = Sequence[Any]

STEPS = [{"name": "hate", "where": {"category": "hate"}}, {"name": "sexual", "where": {"category": "sexual"}}]
RETRY = [{"name": "attack"}, {"name": "retry"}, {"name": "sexual", "where": {"category": "sexual"}}]


def ends_in_windows(events: Events, span: float = SPAN) -> list[Events]:
    """What each window `(end - span, end]` that ends at an event holds, by time."""
    ordered = sorted(events, key=lambda event: event.at)
    return [[one for one in ordered if 0 <= (last.at - one.at).total_seconds() < span] for last in ordered]


def in_order(window: Events) -> bool:
    """Two blocks, then a sexual one: each later than the one before and of another request than it."""
    return any(
        a.at < b.at < c.at and c.category == "sexual" and a.request_id != b.request_id != c.request_id
        for a, b, c in combinations(window, 3)
    )


CASES: dict[str, tuple[dict[str, Any], Callable[[Events], bool]]] = {
    "event_count": ({}, lambda window: len(window) >= 3),
    "event_count, more than": ({"condition": {"gt": 3}}, lambda window: len(window) > 3),
    "event_count, exactly": ({"condition": {"eq": 3}}, lambda window: len(window) >= 3),
    "value_count": (
        {"type": "value_count", "field": "category"},
        lambda window: len({one.category for one in window}) >= 3,
    ),
    "temporal": (
        {"type": "temporal", "condition": None, "steps": STEPS},
        lambda window: {"hate", "sexual"} <= {one.category for one in window},
    ),
    "temporal_ordered": ({"type": "temporal_ordered", "condition": None, "steps": RETRY}, in_order),
}

marks = st.tuples(st.integers(0, 300), st.sampled_from(["hate", "sexual", "violence", "illicit"]), st.integers(0, 6))

lateness = st.sampled_from([10, 30, 150])


@pytest.mark.parametrize("case", CASES)
@given(drawn=st.lists(marks, max_size=25), seed=st.integers(0, 2**32), widely=st.booleans(), late=lateness)
@settings(max_examples=150, deadline=None)
def test_whether_a_group_is_signalled_does_not_depend_on_the_order(
    case: str, drawn: list[tuple[int, str, int]], seed: int, widely: bool, late: int
) -> None:
    rule, holds = CASES[case]
    events: Events = [
        verdict(number, seconds * (4 if widely else 1), category=category, request_id=f"r{number if widely else asked}")
        for number, (seconds, category, asked) in enumerate(drawn)
    ]
    if case == "temporal_ordered":
        events = one_verdict_a_request_and_kind(events)
    expected = any(map(holds, ends_in_windows(events)))
    for order in (sorted(events, key=lambda event: event.at), shuffled(events, late, seed)):
        assert bool(signals(detector(f"{late}s", **rule), order)) == expected


def one_verdict_a_request_and_kind(events: Events) -> Events:
    """A request is judged once, at one moment: its first verdict is what an ordered rule counts."""
    first = {(one.request_id, one.category == "sexual"): one for one in reversed(events)}
    return list(first.values())


@given(drawn=st.lists(marks, min_size=6, max_size=40), seed=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_every_signal_stands_on_events_of_its_own(drawn: list[tuple[int, str, int]], seed: int) -> None:
    events = [verdict(number, seconds) for number, (seconds, _, _) in enumerate(drawn)]
    at = {event.event_id: event.at for event in events}
    used: set[str] = set()
    for signal in signals(detector(), shuffled(events, 30, seed)):
        times = [at[event_id] for event_id in signal.evidence]
        assert len(times) == signal.statistic.value >= 3
        assert (max(times) - min(times)).total_seconds() < SPAN
        assert max(times) == signal.at
        assert not used & set(signal.evidence)
        used |= set(signal.evidence)


@given(
    drawn=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 400)), max_size=25),
    seed=st.integers(0, 2**32),
    late=lateness,
)
@settings(max_examples=200, deadline=None)
def test_a_sum_is_never_overstated_and_misses_at_most_a_64th_of_the_window(
    drawn: list[tuple[int, int]], seed: int, late: int
) -> None:
    events = [request(n, seconds, prompt_tokens=tokens) for n, (seconds, tokens) in enumerate(drawn)]
    one = detector(f"{late}s", type="value_sum", on="requests", field="prompt_tokens", condition={"gte": 1000})

    def reached(span: float) -> bool:
        return any(sum(event.prompt_tokens for event in window) >= 1000 for window in ends_in_windows(events, span))

    outcomes = [
        bool(signals(one, order)) for order in (sorted(events, key=lambda e: e.at), shuffled(events, late, seed))
    ]
    assert reached(SPAN) or outcomes == [False, False]
    assert not reached(SPAN * 63 / 64) or outcomes == [True, True]


@given(drawn=st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=40))
@settings(max_examples=200, deadline=None)
def test_a_ratio_is_exact_where_nothing_falls_into_the_oldest_64th(drawn: list[tuple[int, bool]]) -> None:
    """Whole seconds: none lies between 63 and 64 64ths of a minute."""
    events = [
        request(n, seconds, outcome="failed" if failed else "completed")
        for n, (seconds, failed) in enumerate(sorted(drawn))
    ]
    one = detector(type="ratio", on="requests", of={"outcome": "failed"}, condition={"gte": 0.5}, minimum=4)
    seen = [[event for event in window if event in events[: n + 1]] for n, window in enumerate(ends_in_windows(events))]
    holds = [len(part) >= 4 and sum(one.outcome == "failed" for one in part) / len(part) >= 0.5 for part in seen]
    assert bool(signals(one, events)) == any(holds)


@pytest.mark.parametrize(("seconds", "count"), [((0, 30, 59.9), 1), ((0, 30, 60), 0)])
def test_a_window_is_shorter_than_its_timespan(seconds: tuple[float, ...], count: int) -> None:
    assert len(signals(detector(), [verdict(n, at) for n, at in enumerate(seconds)])) == count


def test_a_share_below_can_be_judged_too() -> None:
    one = detector(type="ratio", on="requests", of={"outcome": "completed"}, condition={"lt": 0.5}, minimum=4)
    events = [request(n, outcome="completed" if n < 3 else "failed") for n in range(8)]
    (found,) = signals(one, events)
    assert found.statistic.value == pytest.approx(3 / 7)
    assert found.evidence == ("r6:log", "r5:log", "r4:log", "r3:log")


def test_two_verdicts_of_one_request_are_no_sequence() -> None:
    one = detector(type="temporal_ordered", condition=None, steps=RETRY[:2])
    same = [verdict(0), verdict(0, 5, event_id="r0:prompt:jailbreak")]
    assert signals(one, same) == []
    assert len(signals(one, [*same, verdict(1, 10)])) == 1


def test_a_flood_of_one_step_does_not_hide_the_others() -> None:
    steps = [{"name": word, "where": {"category": word}} for word in ("hate", "sexual", "violence")]
    one = detector(type="temporal_ordered", condition=None, steps=steps, timespan="1h")
    flood = [verdict(n) for n in range(2, 500)]
    events = [verdict(0), verdict(1, category="sexual"), *flood, verdict(600, category="violence")]
    state, found = run(one, events)
    assert len(found) == 1
    assert len(state.entries) == 128


def test_one_event_may_be_several_steps_of_an_unordered_rule() -> None:
    steps = [{"name": "grave", "where": {"severity": 3}}, {"name": "hate", "where": {"category": "hate"}}]
    one = detector(type="temporal", condition=None, steps=steps)
    (found,) = signals(one, [verdict(0, severity=3)])
    assert found.evidence == ("r0:prompt:hate",)


def test_events_without_the_field_are_not_counted() -> None:
    distinct = detector(type="value_count", field="prompt_hash")
    assert signals(distinct, [verdict(n) for n in range(9)]) == []
    tokens = detector(type="value_sum", on="requests", field="total_tokens", condition={"gte": 1})
    assert signals(tokens, [request(0, prompt_tokens=None, completion_tokens=None)]) == []
    assert signals(tokens, [request(0, prompt_tokens=None)])[0].statistic.value == 50
