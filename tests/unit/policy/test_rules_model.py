"""Rules in the policy document: what is accepted in which spelling, and what is refused where."""

import json
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from policy import LoadedPolicy, PolicyError, parse_policy
from policy.policy import Policy
from policy.rule_checks import MOST_KEPT, kept, reached
from policy.rule_fields import RULE_FIELDS
from policy.rule_filter import Where
from policy.rules import Rule
from policy.schema import policy_schema
from policy.show import changes, render

RULE = {
    "name": "mine",
    "title": "Mine",
    "why": "Several of your requests were blocked.",
    "type": "event_count",
    "on": "verdicts",
    "timespan": "1h",
    "condition": {"gte": 3},
}
RATIO = {"type": "ratio", "of": {"state": "blocked"}, "condition": {"gte": 0.5}}
SUM = {"type": "value_sum", "on": "requests", "field": "total_tokens"}
STEPS = {"type": "temporal", "condition": None, "steps": [{"name": "a"}, {"name": "b"}]}


def document(*rules: dict[str, Any], **fields: Any) -> str:
    merged = [{key: value for key, value in (RULE | rule).items() if value is not None} for rule in rules]
    return json.dumps({"name": "n", "author": "a", "rules": merged} | fields)


def loaded(*rules: dict[str, Any], **fields: Any) -> LoadedPolicy:
    return parse_policy(document(*rules, **fields), "p.yaml")


def problems(*rules: dict[str, Any], **fields: Any) -> list[str]:
    with pytest.raises(PolicyError) as refused:
        loaded(*rules, **fields)
    return [f"{problem.field}: {problem.reason}" for problem in refused.value.problems]


def test_a_problem_is_reported_with_its_line_and_a_near_word() -> None:
    text = """
name: n
author: a
rules:
  - name: mine
    title: Mine
    why: Several of your requests were blocked.
    type: event_count
    on: verdicts
    where:
      state: bloked
      sverity: {gte: 2}
    timespan: 1h
    condition: {gte: 3}
"""
    with pytest.raises(PolicyError) as refused:
        parse_policy(text, "p.yaml")
    assert str(refused.value).splitlines() == [
        "p.yaml:11:14: rules[0].where.state: unknown word; did you mean blocked?",
        "p.yaml:12:7: rules[0].where.sverity: verdicts have no such field; did you mean severity?",
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"where": {"shape": 1}}, "rules[0].where.shape: verdicts have no such field"),
        ({"where": {"outcome": "failed"}}, "rules[0].where.outcome: verdicts have no such field"),
        ({"where": {"at": "2026-01-01"}}, "rules[0].where.at: verdicts have no such field"),
        ({"where": {"severity": "high"}}, "rules[0].where.severity: one of 0, 1, 2, 3 is expected"),
        ({"where": {"severity": {"gte": "high"}}}, "rules[0].where.severity.gte: a number is expected"),
        ({"where": {"score": True}}, "rules[0].where.score: a number is expected"),
        ({"where": {"score": {"gte": True}}}, "rules[0].where.score.gte: a number is expected"),
        ({"where": {"filter_version": 7}}, "rules[0].where.filter_version: a text is expected"),
        ({"where": {"partial": "yes"}}, "rules[0].where.partial: true or false is expected"),
        ({"where": {"category": {"gte": 2}}}, "rules[0].where.category: category is no number"),
        ({"where": {"category": {"not": "hat"}}}, "rules[0].where.category: unknown word; did you mean hate?"),
        ({"where": {"state": {"nott": "clean"}}}, "rules[0].where.state.nott: unknown comparison; did you mean not?"),
        ({"where": {"state": {}}}, "rules[0].where.state: a comparison is expected"),
        ({"where": {"state": []}}, "rules[0].where.state: one to 100 values"),
        ({"where": {"model": {"not": ["m"] * 101}}}, "rules[0].where.model.not: one to 100 values"),
        ({"where": {"model": [["m"]]}}, "rules[0].where.model: a plain value"),
        ({"where": {"model": "m" * 161}}, "rules[0].where.model: a plain value"),
        ({"where": ["state"]}, "rules[0].where: fields are expected"),
        ({"where": {f"f{n}": 1 for n in range(17)}}, "rules[0].where: more than 16 fields"),
        ({"group_by": ["api_key"]}, "rules[0].group_by: subject or session is needed"),
        ({"group_by": ["subject", "severity"]}, "rules[0].group_by[1]: verdicts cannot be grouped by this"),
        ({"group_by": ["subject", "links"]}, "rules[0].group_by[1]: verdicts cannot be grouped by this"),
        (
            {"group-by": ["sesion", "subject"]},
            "rules[0].group_by[0]: verdicts cannot be grouped by this; did you mean session?",
        ),
        ({"timespan": "31d"}, "rules[0].timespan: the longest window is 30d"),
        ({"timespan": "500ms"}, "rules[0].timespan: the shortest duration here is 1s"),
        ({"condition": None}, "rules[0].condition: event_count needs this"),
        ({"condition": {}}, "rules[0].condition: exactly one comparison is needed"),
        ({"condition": {"gte": 1, "lt": 3}}, "rules[0].condition: exactly one comparison is needed"),
        ({"condition": {"lte": 3}}, "rules[0].condition.lte: too few cannot be judged"),
        ({"condition": {"lt": 3}}, "rules[0].condition.lt: too few cannot be judged"),
        ({"condition": {"gte": 0}}, "rules[0].condition.gte: a whole number up to 1000"),
        ({"condition": {"gte": 2.5}}, "rules[0].condition.gte: a whole number up to 1000"),
        ({"condition": {"gte": 1001}}, "rules[0].condition.gte: a whole number up to 1000"),
        ({"condition": {"gte": -1}}, "rules[0].condition.gte: Input should be greater than or equal to 0"),
        ({"field": "category"}, "rules[0].field: event_count has no use for this"),
        ({"of": {"state": "blocked"}}, "rules[0].of: event_count has no use for this"),
        ({"steps": [{"name": "a"}, {"name": "b"}]}, "rules[0].steps: event_count has no use for this"),
        ({"type": "value_count"}, "rules[0].field: value_count needs this"),
        (
            {"type": "value_count", "field": "categry"},
            "rules[0].field: verdicts have no such field; did you mean category?",
        ),
        ({"type": "value_count", "field": "links"}, "rules[0].field: links is a list"),
        (SUM | {"field": "outcome"}, "rules[0].field: outcome is no number"),
        (SUM | {"condition": {"gte": 0}}, "rules[0].condition.gte: a sum must be above 0"),
        (SUM | {"condition": {"eq": 9}}, "rules[0].condition.eq: a sum jumps over numbers"),
        (SUM | {"condition": {"lt": 9}}, "rules[0].condition.lt: too few cannot be judged"),
        (RATIO | {"of": None}, "rules[0].of: ratio needs this"),
        (RATIO | {"condition": {"gte": 1.5}}, "rules[0].condition.gte: a share is between 0 and 1"),
        (RATIO | {"condition": {"gte": 0}}, "rules[0].condition.gte: a share is between 0 and 1"),
        (RATIO | {"condition": {"lte": 1}}, "rules[0].condition.lte: a share is between 0 and 1"),
        (RATIO | {"condition": {"eq": 0.5}}, "rules[0].condition.eq: a share is hardly ever exactly this"),
        (RATIO | {"of": {"stat": "blocked"}}, "rules[0].of.stat: verdicts have no such field; did you mean state?"),
        (RATIO | {"minimum": 1}, "rules[0].minimum: Input should be greater than or equal to 2"),
        (STEPS | {"condition": {"gte": 2}}, "rules[0].condition: temporal has no use for this"),
        (STEPS | {"steps": None}, "rules[0].steps: temporal needs this"),
        (STEPS | {"steps": [{"name": "a"}]}, "rules[0].steps: two steps are needed"),
        (STEPS | {"steps": [{"name": "a"}, {"name": "a"}]}, "rules[0].steps[1].name: another step has this name"),
        (
            STEPS | {"steps": [{"name": "a"}, {"name": "b", "where": {"stge": "prompt"}}]},
            "rules[0].steps[1].where.stge: verdicts have no such field",
        ),
        ({"name": "Mine"}, "rules[0].name: String should match pattern"),
        ({"why": "No."}, "rules[0].why: String should have at least 10 characters"),
        ({"type": "event_cont"}, "rules[0].type: unknown word; did you mean event_count?"),
        ({"on": "verdict"}, "rules[0].on: unknown word; did you mean verdicts?"),
        ({"treshold": 3}, "rules[0].treshold: unknown field"),
        ({"condition": {"gte": 3, "field": "x"}}, "rules[0].condition.field: unknown field"),
    ],
    ids=lambda given: json.dumps(given)[:60] if isinstance(given, dict) else "",
)
def test_what_cannot_be_judged_exactly_is_refused(rule: dict[str, Any], expected: str) -> None:
    assert any(problem.startswith(expected) for problem in problems(rule)), problems(rule)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"on": "feedback", "level": "restrict"}, "rules[0].level: feedback do not say"),
        ({"on": "notices", "level": "block"}, "rules[0].level: notices do not say"),
        ({"level": "restrict", "where": {"category": "self_harm"}}, "rules[0].level: policy.care excuses self_harm"),
        (
            {"level": "block", "where": {"category": ["hate", "sexual_minors"]}},
            "rules[0].level: policy.care excuses sexual",
        ),
        (
            {"level": "block", "where": {"category": "prompt_attack_indirect"}},
            "rules[0].level: policy.care excuses prompt",
        ),
        ({"level": "restrict", "where": {"stage": ["prompt", "tool"]}}, "rules[0].level: policy.care excuses tool"),
        (
            STEPS | {"level": "block", "steps": [{"name": "a"}, {"name": "b", "where": {"stage": "document"}}]},
            "rules[0].level: policy.care excuses document",
        ),
        (RATIO | {"level": "block", "of": {"category": "self_harm"}}, "rules[0].level: policy.care excuses self_harm"),
        ({"on": "requests", "level": "restrict", "where": {"outcome": "blocked"}}, "rules[0].level: blocked requests"),
        (
            {"on": "requests", "level": "restrict", "where": {"outcome": {"not": "completed"}}},
            "rules[0].level: blocked requests",
        ),
        ({"on": "requests", "level": "restrict", "where": {"http_status": 400}}, "rules[0].level: blocked requests"),
        (
            {
                "on": "requests",
                "level": "block",
                "type": "ratio",
                "of": {"outcome": "blocked"},
                "condition": {"gt": 0.5},
            },
            "rules[0].level: blocked requests",
        ),
    ],
    ids=lambda given: json.dumps(given)[:60] if isinstance(given, dict) else "",
)
def test_a_rule_that_acts_must_leave_room_for_care(rule: dict[str, Any], expected: str) -> None:
    assert any(problem.startswith(expected) for problem in problems(rule)), problems(rule)
    assert loaded(rule | {"level": "review"})


@pytest.mark.parametrize(
    "rule",
    [
        {"level": "block", "where": {"category": "hate", "stage": "prompt"}},
        {"level": "block", "where": {"category": {"not": "self_harm"}}},
        {"level": "restrict", "on": "requests"},
        {"level": "restrict", "on": "requests", "where": {"outcome": "completed"}},
        {"level": "restrict", "on": "requests", "where": {"outcome": ["completed", "failed"], "http_status": 500}},
        SUM | {"level": "restrict", "condition": {"gt": 10**9}},
        RATIO | {"condition": {"lt": 0.1}},
        {"group-by": ["session", "model"]},
        {"group_by": ["subject", "category", "stage", "model"]},
        {"condition": {"gt": 999}},
        {"timespan": "30d"},
        {"where": {"links": "device:*", "session": {"not": None}, "choice": {"gte": 1, "lt": 4, "not": 2}}},
    ],
    ids=str,
)
def test_what_can_be_judged_is_accepted(rule: dict[str, Any]) -> None:
    given = loaded(rule)
    assert parse_policy(render(given), "again").version == given.version


def test_care_is_the_documents_own() -> None:
    rule = {"level": "block", "where": {"category": "self_harm"}}
    assert loaded(rule, care={"categories": []})


def test_names_differ() -> None:
    assert problems({}, {"type": "value_count", "field": "model"}) == ["rules[1].name: another rule has this name"]


def test_there_are_at_most_64_rules() -> None:
    assert loaded(*({"name": f"r{n}"} for n in range(64)))
    assert problems(*({"name": f"r{n}"} for n in range(65)))[0].startswith("rules: ")


@pytest.mark.parametrize(
    ("rule", "entries"),
    [
        ({}, 3 * 2),
        ({"condition": {"gt": 3}, "timespan": "5m"}, 4 * 3),
        ({"type": "value_count", "field": "model"}, 2 * 3 * 2),
        (SUM, 64 * 2),
        (RATIO, 64 * 2),
        (STEPS, 2 * 2 * 2),
        (STEPS | {"type": "temporal_ordered"}, 128),
    ],
    ids=str,
)
def test_what_a_group_keeps_follows_from_the_rule_and_the_lateness(rule: dict[str, Any], entries: int) -> None:
    given = loaded(rule).policy
    assert kept(given.rules[0], given.lateness.allowed) == entries


def test_a_window_that_would_need_too_much_is_refused() -> None:
    rule = {"timespan": "1s", "condition": {"gte": 20}}
    assert problems(rule)[0].startswith(
        f"rules[0].timespan: with lateness.allowed this short a window needs 12020 entries, over {MOST_KEPT}"
    )
    assert loaded(rule, lateness={"allowed": "1m"})


def test_a_rules_own_mode_overrides_the_policys() -> None:
    given = loaded({"mode": "enforce"}, {"name": "other"}, mode="review").policy
    assert given.mode_of("rule.mine") == "enforce"
    assert given.mode_of("rule.other") == given.mode_of("rule.unknown") == "review"


def test_spelling_does_not_change_the_version_and_meaning_does() -> None:
    plain = loaded({"where": {"state": "blocked"}, "group_by": ["session"]})
    assert (
        loaded({"where": {"state": ["blocked"]}, "group-by": ["session"], "timespan": "60m"}).version == plain.version
    )
    assert loaded({"where": {"state": "masked"}, "group_by": ["session"]}).version != plain.version
    differing = changes(plain.policy, loaded({"where": {"state": "masked"}, "group_by": ["session"]}).policy)
    assert [str(one) for one in differing] == ['rules[0].where.state: "blocked" → "masked"']


def test_a_rule_cannot_be_changed() -> None:
    rule = loaded({}).policy.rules[0]
    for field in Rule.model_fields:
        with pytest.raises(ValidationError):
            setattr(rule, field, None)
    assert isinstance(hash(rule.where), int)


def test_a_rule_can_be_built_in_python_too() -> None:
    given = Policy(name="n", author="a", rules=(Rule(**RULE, where=Where()),))
    assert reached(given.rules[0]) == 3


def test_every_field_of_an_event_but_its_time_can_be_asked_for() -> None:
    assert set(RULE_FIELDS["requests"]) > {"tenant", "model", "outcome", "total_tokens", "links", "streamed"}
    for fields in RULE_FIELDS.values():
        assert {"event_id", "tenant", "subject", "session", "api_key"} <= set(fields)
        assert not {"v", "at", "prompt_shingles"} & set(fields)


def test_the_schema_shows_rules_as_people_write_them() -> None:
    schema = policy_schema()["$defs"]["Rule"]["properties"]
    assert schema["where"]["default"] == {}
    assert schema["where"]["type"] == "object"


def test_the_pack_reads_back_as_itself() -> None:
    text = yaml.safe_dump({"extends": "llm-abuse", "name": "n", "author": "a"})
    given = parse_policy(text, "p.yaml")
    assert parse_policy(render(given), "again").version == given.version
    assert {rule.level for rule in given.policy.rules} == {"review"}
