"""Quotas in a policy: which row holds for whom, and what is refused with its place."""

from typing import Any

import pytest
from pydantic import ValidationError

from policy import Policy, PolicyError, load_policy, parse_policy
from policy.ladder import Action
from policy.quotas import DEFAULT_QUOTAS
from policy.source import pack_names

HEAD = "name: n\nauthor: a\nquotas:\n"
RULE = """extends: llm-abuse
name: n
author: a
quotas:
  - {detector: rule.token_use, measure: throttle, at_most: 20, window: 1h}
"""


def policy(*rows: dict[str, Any]) -> Policy:
    return Policy.model_validate({"name": "n", "author": "a", "quotas": list(rows)})


@pytest.mark.parametrize("pack", pack_names())
def test_every_pack_limits_what_takes_something_away(pack: str) -> None:
    given = load_policy(pack).policy
    assert given.quotas == DEFAULT_QUOTAS
    assert given.quota_of("repeat_offender", "warn") is None
    assert all(given.quota_of("repeat_offender", measure) for measure in ("throttle", "suspend", "ban"))


def test_a_detectors_own_row_beats_the_row_for_every_detector() -> None:
    given = policy(
        {"detector": "repeat_offender", "measure": "suspend", "at_most": 7},
        {"measure": "suspend", "at_most": 9},
        {"measure": "warn", "at_most": 11},
    )
    asked: list[tuple[str, Action, int]] = [
        ("repeat_offender", "suspend", 7), ("rule.any", "suspend", 9), ("repeat_offender", "warn", 11),
    ]  # fmt: skip
    for detector, measure, at_most in asked:
        quota = given.quota_of(detector, measure)
        assert quota is not None
        assert quota.at_most == at_most
    assert given.quota_of("repeat_offender", "throttle") is None


def test_an_empty_list_lifts_every_limit() -> None:
    assert policy().quota_of("repeat_offender", "suspend") is None


def test_a_rule_may_have_a_quota_of_its_own() -> None:
    given = parse_policy(RULE, "p.yaml").policy
    quota = given.quota_of("rule.token_use", "throttle")
    assert quota is not None
    assert quota.at_most == 20
    assert given.quota_of("rule.grave_blocks", "throttle") is None


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            "{detector: repeat_ofender, measure: warn, at_most: 1}",
            "p.yaml:4:16: quotas[0].detector: no such detector takes measures; did you mean repeat_offender?",
        ),
        (
            "{detector: silence, measure: warn, at_most: 1}",
            "p.yaml:4:16: quotas[0].detector: no such detector takes measures; known are default, repeat_offender",
        ),
        (
            "{detector: rule.mine, measure: warn, at_most: 1}",
            "p.yaml:4:16: quotas[0].detector: no such detector takes measures; known are default, repeat_offender",
        ),
        (
            "{measure: suspended, at_most: 1}",
            "p.yaml:4:15: quotas[0].measure: unknown word; did you mean suspend?",
        ),
        ("{measure: warn}", "p.yaml:4:5: quotas[0].at_most: this field is required"),
        ("{at_most: 3}", "p.yaml:4:5: quotas[0].measure: this field is required"),
        ("{measure: warn, at_mots: 3}", "p.yaml:4:21: quotas[0].at_mots: unknown field; did you mean at_most?"),
        (
            "{measure: warn, at_most: 1, window: 31d}",
            "p.yaml:4:41: quotas[0].window: the longest window is 30d",
        ),
        (
            "{measure: warn, at_most: 1, window: 59s}",
            "p.yaml:4:41: quotas[0].window: the shortest duration here is 1m",
        ),
        (
            "{measure: warn, at_most: 1}\n  - {measure: warn, at_most: 2, window: 1h}",
            "p.yaml:5:5: quotas[1]: another quota is about this measure of this detector",
        ),
    ],
    ids=str,
)
def test_a_mistake_is_told_with_its_place(row: str, problem: str) -> None:
    with pytest.raises(PolicyError) as refusal:
        parse_policy(f"{HEAD}  - {row}\n", "p.yaml")
    assert problem in str(refusal.value)


@pytest.mark.parametrize("at_most", [0, 10_001, 1.5])
def test_a_number_outside_its_bounds_is_refused(at_most: float) -> None:
    with pytest.raises(ValidationError):
        policy({"measure": "warn", "at_most": at_most})


def test_a_quota_of_a_rule_that_is_gone_is_refused() -> None:
    with pytest.raises(PolicyError) as refusal:
        parse_policy(f"{RULE}rules: []\n", "p.yaml")
    assert "p.yaml:5:16: quotas[0].detector" in str(refusal.value)
