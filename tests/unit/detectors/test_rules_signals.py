"""When a rule speaks, again or for the first time, what it says, and what it never counts."""

from typing import Any

import msgspec
import pytest
from rule_facts import SESSION, SUBJECT, detector, policy, request, run, signals, verdict

from alerts.decide import decide
from alerts.decision import Held
from alerts.history import History
from policy.version import LoadedPolicy
from streams.detectors.rules.rule_detector import RuleDetector
from streams.detectors.rules.state import NEVER, RuleState

OTHER = "k1." + "b" * 26


def times(found: list[Any]) -> list[str]:
    return [signal.evidence[0].split(":")[0] for signal in found]


def test_a_rule_speaks_once_while_its_window_stays_above() -> None:
    assert times(signals(detector(), [verdict(n) for n in range(60)])) == ["r2"]


def test_it_speaks_again_after_a_whole_window_of_new_events() -> None:
    assert times(signals(detector(), [verdict(n) for n in range(200)])) == ["r2", "r62", "r122", "r182"]


def test_it_speaks_again_when_the_window_was_below_in_between() -> None:
    first, again = [verdict(0, 0), verdict(1, 55), verdict(2, 59)], [verdict(n, 62 + n) for n in (3, 4, 5)]
    assert times(signals(detector(), [*first, *again])) == ["r2", "r5"]


def test_events_of_one_signal_never_count_for_the_next() -> None:
    first, again = [verdict(0, 0), verdict(1, 55), verdict(2, 59)], [verdict(n, 62 + n) for n in (3, 4)]
    assert times(signals(detector(), [*first, *again])) == ["r2"]


def test_what_arrives_late_from_before_a_signal_is_part_of_it() -> None:
    state, _ = run(detector(), [verdict(n, 30 + n) for n in range(3)])
    assert run(detector(), [verdict(9, 20)], state) == (state, [])


def test_a_late_event_completes_the_window_that_it_belongs_to() -> None:
    early, late = [verdict(0, 0), verdict(1, 10), verdict(2, 65), verdict(3, 85)], verdict(4, 58)
    (found,) = signals(detector(), [*early, late])
    assert found.evidence == ("r4:prompt:hate", "r1:prompt:hate", "r0:prompt:hate")
    assert found.at == late.at


def test_a_signal_names_the_person_even_when_sessions_are_counted() -> None:
    one = detector(group_by=["session"])
    (found,) = signals(one, [verdict(n) for n in range(3)])
    assert (found.detector, found.key, found.subject, found.scope) == (
        "rule.mine",
        f"contoso|{SUBJECT}",
        SUBJECT,
        "subject",
    )
    assert one.group(verdict(0)) == f"contoso|{SUBJECT}|{SESSION}"
    assert one.group(verdict(0, session=None)) is None


def test_a_signal_carries_its_evidence_and_its_figures() -> None:
    events = [verdict(0, category="violence"), verdict(1), verdict(2, stage="completion", filter_version=None)]
    (found,) = signals(detector(), events)
    assert found.evidence == tuple(event.event_id for event in reversed(events))
    assert (found.categories, found.stages) == (("hate", "violence"), ("prompt", "completion"))
    assert found.filters == ("azure-content-filter@7", "azure-content-filter")
    assert (found.statistic.name, found.statistic.value, found.statistic.threshold) == ("event_count", 3, 3)
    assert (found.level, found.policy_version, found.numbers) == ("review", "p1", None)
    assert found.words == (
        "Several of your requests were blocked. Seen: 3 verdicts within 1m up to 2026-11-20 12:00 UTC; "
        "the rule matches from 3 on."
    )


STEPS = [{"name": "first_try"}, {"name": "retry"}]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"type": "value_count", "field": "request_id"}, "3 different values of request id in verdicts within 1m"),
        (
            {"type": "temporal_ordered", "condition": None, "steps": STEPS},
            "first try, retry one after the other within",
        ),
        (
            {"type": "temporal", "condition": None, "steps": STEPS},
            "first try, retry within 1m up to 2026-11-20 12:00 UTC.",
        ),
        ({"type": "ratio", "of": {"severity": 2}, "condition": {"gt": 0.4}, "minimum": 3}, "100.0% of verdicts"),
        ({"type": "value_sum", "field": "severity", "condition": {"gte": 5.5}}, "the rule matches from 5.500 on"),
    ],
)
def test_the_words_say_what_was_seen(rule: dict[str, Any], words: str) -> None:
    found = signals(detector(**rule), [verdict(n) for n in range(3)])
    assert words in found[0].words


def test_the_id_is_a_function_of_rule_group_and_crossing() -> None:
    events = [verdict(n) for n in range(3)]
    (first,), (again,) = signals(detector(), events), signals(detector(title="Another title"), events)
    assert first.id == again.id
    others = [
        signals(detector(name="other"), events),
        signals(detector(), [*events[:2], verdict(7)]),
        signals(detector(group_by=["session"]), events),
        signals(detector(), [verdict(n, subject=OTHER) for n in range(3)]),
    ]
    assert len({first.id, *(signal.id for (signal,) in others)}) == 5


def test_evidence_and_state_are_bounded() -> None:
    one = detector(condition={"gte": 1000}, timespan="1d", lateness="0s")
    state, found = run(one, [verdict(n) for n in range(2500)])
    assert len(found) == 1
    assert len(found[0].evidence) == 50
    assert len(state.entries) == 1000
    assert len(msgspec.msgpack.encode(state)) < 25_000


def test_a_state_forgets_what_can_no_longer_count() -> None:
    state, _ = run(detector(), [verdict(n, 200 * n) for n in range(50)])
    assert len(state.entries) == 1
    sums = detector(type="value_sum", on="requests", field="total_tokens")
    state, _ = run(sums, [request(n, 200 * n) for n in range(50)])
    assert len(state.buckets) == 1


def test_a_state_survives_storage_as_json_too() -> None:
    state, _ = run(detector(), [verdict(n) for n in range(5)])
    assert msgspec.json.decode(msgspec.json.encode(state), type=RuleState) == state
    fresh = detector().initial("key")
    assert msgspec.json.decode(msgspec.json.encode(fresh), type=RuleState).spent == NEVER


EXCUSED = [
    {"category": "self_harm"},
    {"category": "sexual_minors"},
    {"category": "prompt_attack_indirect"},
    {"stage": "document"},
    {"stage": "tool"},
]


@pytest.mark.parametrize("excused", EXCUSED, ids=str)
@pytest.mark.parametrize("level", ["review", "restrict", "block"])
def test_what_care_excuses_never_counts_unasked(excused: dict[str, str], level: str) -> None:
    assert signals(detector(level=level), [verdict(n, **excused) for n in range(9)]) == []


@pytest.mark.parametrize("excused", EXCUSED, ids=str)
def test_a_rule_that_names_it_counts_it_for_a_review_which_care_still_holds(excused: dict[str, str]) -> None:
    one = detector(where=excused)
    (found,) = signals(one, [verdict(n, **excused) for n in range(3)])
    given = policy({"where": excused}, mode="enforce")
    held = decide(
        found, History(tenant="contoso", subject=SUBJECT), policy=LoadedPolicy(given, "p1", "test"), now=found.at
    )
    assert isinstance(held, Held)
    assert held.reason in ("care_category", "injected_content")


def test_naming_one_excused_thing_does_not_admit_another() -> None:
    one = detector(where={"category": ["self_harm", "hate"]})
    assert signals(one, [verdict(n, category="self_harm", stage="document") for n in range(9)]) == []


def test_refusing_a_category_does_not_name_it() -> None:
    one = detector(where={"category": {"not": "self_harm"}})
    assert signals(one, [verdict(n, category="sexual_minors") for n in range(9)]) == []
    assert len(signals(one, [verdict(n) for n in range(3)])) == 1


def matches(one: RuleDetector, event: Any) -> bool:
    return one.matches(event)


@pytest.mark.parametrize(
    ("where", "changes", "expected"),
    [
        ({}, {}, True),
        ({"model": "GPT-4*"}, {}, True),
        ({"model": "gpt-4"}, {}, False),
        ({"model": ["o3", "Gpt-4O"]}, {}, True),
        ({"model": {"not": "gpt-?o"}}, {}, False),
        ({"severity": [2, 3]}, {}, True),
        ({"severity": {"gt": 1, "lt": 3}}, {}, True),
        ({"severity": {"gte": 3}}, {}, False),
        ({"severity": {"gte": 0}}, {"severity": None}, False),
        ({"severity": {"not": 2}}, {"severity": None}, True),
        ({"severity": None}, {"severity": None}, True),
        ({"session": None}, {}, False),
        ({"session": {"not": None}}, {}, True),
        ({"deployment": None}, {}, True),
        ({"deployment": "*"}, {}, False),
        ({"partial": False}, {}, True),
        ({"links": "device:*"}, {"links": ("device:" + "0" * 16, "card:" + "1" * 16)}, True),
        ({"links": {"not": "device:*"}}, {"links": ("device:" + "0" * 16, "card:" + "1" * 16)}, False),
        ({"links": None}, {}, True),
        ({"state": ["blocked", "masked"], "category": "hate"}, {}, True),
        ({"state": ["blocked", "masked"], "category": "sexual"}, {}, False),
        ({"state": {"not": ["clean", "blocked"]}}, {}, False),
    ],
    ids=str,
)
def test_filters_say_which_events_count(where: dict[str, Any], changes: dict[str, Any], expected: bool) -> None:
    assert matches(detector(where=where), verdict(0, **changes)) is expected


def test_total_tokens_are_those_of_prompt_and_completion() -> None:
    one = detector(on="requests", where={"total_tokens": {"gte": 150}})
    assert matches(one, request(0))
    assert not matches(one, request(0, completion_tokens=None))


def test_a_rule_knows_the_states_that_can_match() -> None:
    assert detector(where={"state": ["blocked", "masked"]}).states == {"blocked", "masked"}
    assert "clean" in detector().states
    steps = [{"name": "a", "where": {"state": "masked"}}, {"name": "b", "where": {"state": "blocked"}}]
    ordered: dict[str, Any] = {"type": "temporal", "condition": None, "steps": steps}
    assert detector(**ordered).states == {"blocked", "masked"}
    assert detector(**ordered, where={"state": {"not": "masked"}}).states == {"blocked"}


@pytest.mark.parametrize("category", ["hate", "self_harm", "pii"])
@pytest.mark.parametrize("stage", ["prompt", "document"])
@pytest.mark.parametrize("state", ["clean", "blocked"])
def test_what_matches_is_among_what_can_match(category: str, stage: str, state: str) -> None:
    rules: list[dict[str, Any]] = [
        {"where": {"state": "blocked", "severity": {"gte": 2}}},
        {"where": {"category": {"not": "pii"}, "stage": ["prompt", "document"]}},
        {"type": "temporal", "condition": None, "steps": [{"name": "a", "where": {"category": "pii"}}, {"name": "b"}]},
    ]
    event = verdict(0, category=category, stage=stage, state=state)
    for rule in rules:
        one = detector(**rule)
        assert one.can_match(state=state, category=category, stage=stage) == one.matches(event)
