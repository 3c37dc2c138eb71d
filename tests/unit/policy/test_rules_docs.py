"""docs/rules.md says what the models and the pack say, and its examples are valid policies."""

import re
from pathlib import Path
from typing import get_args

import pytest

from policy import load_policy, parse_policy
from policy.rule_checks import KEPT_IN_ORDER, MOST_COUNTED, MOST_KEPT, MOST_RULES
from policy.rule_filter import BOUNDS
from policy.rules import Rule, Type

PAGE = (Path(__file__).parents[3] / "docs/rules.md").read_text("utf-8")
PACK = load_policy("llm-abuse").policy


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_every_example_is_a_valid_policy(example: str) -> None:
    assert parse_policy(example, "docs/rules.md").policy.rules


def test_every_field_is_described_and_no_other() -> None:
    table = PAGE.partition("## Fields")[2].partition("| `type` | number")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(Rule.model_fields)


def test_every_type_and_comparison_is_described() -> None:
    assert all(f"| `{kind}` |" in PAGE for kind in get_args(Type))
    assert all(f"`{bound}`" in PAGE for bound in BOUNDS)


def test_the_bounds_are_those_of_the_models() -> None:
    assert f"at most {MOST_RULES} rules" in PAGE
    assert f"up to {MOST_COUNTED} |" in PAGE
    assert f"over {MOST_KEPT} entries" in PAGE
    assert f"| {KEPT_IN_ORDER} entries |" in PAGE


def test_the_pack_is_described_rule_by_rule() -> None:
    table = PAGE.partition("## The pack")[2]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [rule.name for rule in PACK.rules]
    assert {rule.level for rule in PACK.rules} == {"review"}


def test_the_first_example_is_the_packs_first_rule_but_for_its_exceptions() -> None:
    example = parse_policy(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0], "docs/rules.md").policy.rules[0]
    pack = PACK.rules[0]
    kept = tuple(one for one in pack.where if one.field != "category")
    assert example == pack.model_copy(update={"where": example.where})
    assert tuple(example.where) == kept
