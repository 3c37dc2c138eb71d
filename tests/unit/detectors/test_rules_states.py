"""The groups of one partition: which rules an event reaches, redelivery, storage, and when a group is forgotten."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_facts import START, policy, request, verdict

from alerts.signal import Signal
from events import ProviderNotice, UserFeedback
from events.topics import FILTER_VERDICTS, PROVIDER_NOTICES, REQUEST_LOGS, USER_FEEDBACK
from policy.version import LoadedPolicy
from streams.rule_states import RuleStates, fingerprint

VERDICTS, REQUESTS = FILTER_VERDICTS.name, REQUEST_LOGS.name
BLOCKED = {"where": {"state": "blocked"}}
SUBJECTS = [f"k1.{letter * 26}" for letter in "abc"]
Records = dict[bytes, bytes]


def states(*rules: dict[str, Any]) -> RuleStates:
    return RuleStates(LoadedPolicy(policy(*rules), "p1", "test"))


def applied(into: RuleStates, events: Iterable[Any], *, start: int = 0, topic: str = VERDICTS) -> list[Signal]:
    return [signal for offset, event in enumerate(events, start) for signal in into.apply(topic, offset, event)]


def flushed(one: RuleStates, into: Records) -> Records:
    for key, value in one.changed():
        assert key.startswith(b"r|")
        if value is None:
            del into[key]
        else:
            into[key] = value
    return into


def restored(records: Records, *rules: dict[str, Any]) -> RuleStates:
    one = states(*rules)
    for key, value in records.items():
        one.restore(key[2:], value)
    return one


def test_an_event_reaches_every_rule_that_it_matches() -> None:
    one = states({"name": "a"}, {"name": "b", "where": {"category": "hate"}}, {"name": "c", "where": {"severity": 0}})
    assert [signal.detector for signal in applied(one, [verdict(n) for n in range(3)])] == ["rule.a", "rule.b"]


def test_each_kind_of_event_reaches_its_own_rules() -> None:
    once = {"condition": {"gte": 1}}
    rules = [once | {"name": on, "on": on} for on in ("verdicts", "requests", "feedback", "notices")]
    one = states(*rules)
    known = {"at": START, "tenant": "contoso", "subject": SUBJECTS[0], "provider": "openai"}
    feedback = UserFeedback(event_id="f", request_id="r", model="m", thumb="down", **known)
    notice = ProviderNotice(event_id="n", kind="warning", **known)
    by_topic = {VERDICTS: verdict(0), REQUESTS: request(0), USER_FEEDBACK.name: feedback, PROVIDER_NOTICES.name: notice}
    assert one.topics == set(by_topic)
    for (topic, event), rule in zip(by_topic.items(), rules, strict=True):
        assert [signal.detector for signal in one.apply(topic, 0, event)] == [f"rule.{rule['name']}"]


def test_verdicts_in_states_that_no_rule_wants_touch_nothing() -> None:
    one = states(BLOCKED)
    assert one.states == {"blocked"}
    applied(one, [verdict(n, state="clean") for n in range(9)])
    assert len(one) == 0


def test_a_rule_that_is_switched_off_does_not_run() -> None:
    one = states({"enabled": False})
    assert not one.topics | one.states
    assert applied(one, [verdict(n) for n in range(9)]) == []


def test_groups_are_apart() -> None:
    one = states({"name": "a"}, {"name": "b", "group_by": ["session", "model"]})
    applied(one, [verdict(0), verdict(1, subject=SUBJECTS[1]), verdict(2, model="o3"), verdict(3, session=None)])
    assert len(one) == 2 + 3


@given(
    drawn=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 120)), max_size=30),
    cut=st.integers(0, 30),
    back=st.integers(0, 30),
)
@settings(max_examples=100, deadline=None)
def test_a_redelivered_suffix_after_a_crash_changes_nothing(drawn: list[tuple[int, int]], cut: int, back: int) -> None:
    events = [verdict(n, seconds, subject=SUBJECTS[who]) for n, (who, seconds) in enumerate(drawn)]
    uninterrupted = states(BLOCKED)
    expected = applied(uninterrupted, events)
    first = states(BLOCKED)
    before = applied(first, events[:cut])
    stored = flushed(first, {})
    second = restored(stored, BLOCKED)
    start = max(0, min(cut, len(events)) - back)
    after = applied(second, events[start:], start=start)
    assert [signal.id for signal in before + after] == [signal.id for signal in expected]
    assert flushed(second, stored) == flushed(uninterrupted, {})


def test_only_changed_groups_are_written() -> None:
    one = states(BLOCKED)
    applied(one, [verdict(0), verdict(1, subject=SUBJECTS[1])])
    assert len(list(one.changed())) == 2
    applied(one, [verdict(2)], start=2)
    ((key, _),) = one.changed()
    assert key == f"r|mine|contoso|{SUBJECTS[0]}".encode()
    assert list(one.changed()) == []


def test_a_group_is_dropped_when_its_window_is_over() -> None:
    one = states(BLOCKED)
    applied(one, [verdict(0), verdict(1, 200, subject=SUBJECTS[1])])
    stored = flushed(one, {})
    one.forget_before(VERDICTS, START.timestamp() + 60)
    assert len(one) == 2, "an event of the same second may still come"
    one.forget_before(VERDICTS, START.timestamp() + 180)
    assert (len(one), len(flushed(one, stored))) == (1, 1)
    one.forget_before(REQUESTS, START.timestamp() + 10_000)
    assert len(one) == 1, "the requests' watermark says nothing about verdicts"
    one.forget_before(VERDICTS, START.timestamp() + 10_000)
    assert (len(one), flushed(one, stored)) == (0, {})


def test_a_group_that_goes_on_is_not_dropped() -> None:
    one = states(BLOCKED)
    for n in range(10):
        applied(one, [verdict(n, 50 * n)], start=n)
        list(one.changed())
        one.forget_before(VERDICTS, START.timestamp() + 50 * n)
        assert len(one) == 1


def test_a_group_that_is_not_flushed_yet_outlives_its_window() -> None:
    """After a crash its events are read again: it must be there to know them."""
    one = states(BLOCKED)
    applied(one, [verdict(0)])
    one.forget_before(VERDICTS, START.timestamp() + 10_000)
    ((_, value),) = one.changed()
    assert value is not None
    one.forget_before(VERDICTS, START.timestamp() + 10_060)
    ((_, value),) = one.changed()
    assert value is None


def test_a_restored_group_is_dropped_in_its_time_too() -> None:
    first = states(BLOCKED)
    applied(first, [verdict(0)])
    second = restored(flushed(first, {}), BLOCKED)
    assert len(second) == 1
    second.forget_before(VERDICTS, START.timestamp() + 10_000)
    assert [value for _, value in second.changed()] == [None]


def test_a_record_read_back_twice_counts_once_and_none_forgets() -> None:
    first = states(BLOCKED)
    applied(first, [verdict(0)])
    ((key, value),) = first.changed()
    second = states(BLOCKED)
    second.restore(key[2:], value)
    second.restore(key[2:], value)
    assert len(second) == 1
    second.restore(key[2:], None)
    second.forget_before(VERDICTS, START.timestamp() + 10_000)
    assert (len(second), list(second.changed())) == (0, [])


@pytest.mark.parametrize(
    "changed",
    [{"condition": {"gte": 4}}, {"where": {"severity": 2}}, {"name": "another"}, {"enabled": False}],
    ids=str,
)
def test_a_rule_that_computes_something_else_starts_anew(changed: dict[str, Any]) -> None:
    first = states(BLOCKED)
    applied(first, [verdict(0), verdict(1)])
    second = restored(flushed(first, {}), BLOCKED | changed)
    assert len(second) == 0
    assert [value for _, value in second.changed()] == [None]


def test_a_record_of_a_changed_rule_does_not_outlive_a_later_one_under_its_key() -> None:
    first = states(BLOCKED)
    applied(first, [verdict(0)])
    old = flushed(first, {})
    key = next(iter(old))
    changed = BLOCKED | {"condition": {"gte": 4}}
    later = states(changed)
    applied(later, [verdict(0)])
    ((_, value),) = later.changed()
    third = states(changed)
    third.restore(key[2:], old[key])
    third.restore(key[2:], value)
    assert (len(third), list(third.changed())) == (1, [])


@pytest.mark.parametrize(
    "changed", [{"title": "New"}, {"why": "Another sentence."}, {"level": "block"}, {"mode": "enforce"}]
)
def test_words_and_consequences_do_not_change_what_is_computed(changed: dict[str, Any]) -> None:
    before, after = policy(BLOCKED).rules[0], policy(BLOCKED | changed).rules[0]
    assert fingerprint(before) == fingerprint(after)
