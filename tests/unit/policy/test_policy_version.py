"""The version follows the content of a policy and nothing else."""

import random
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import load_policy, parse_policy
from policy.show import render
from policy.tree import Json
from policy.version import version_of

DEMO = load_policy("demo")


def reordered(value: Json, random: random.Random) -> Json:
    if isinstance(value, dict):
        keys = random.sample(sorted(value), len(value))
        return {key: reordered(value[key], random) for key in keys}
    return [reordered(entry, random) for entry in value] if isinstance(value, list) else value


@settings(max_examples=15, deadline=None)
@given(random=st.randoms(use_true_random=False), flow=st.sampled_from([True, False, None]), width=st.integers(20, 200))
def test_order_of_fields_formatting_and_comments_do_not_change_the_version(
    random: random.Random, *, flow: bool | None, width: int
) -> None:
    document = reordered(DEMO.policy.model_dump(mode="json"), random)
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=flow, width=width)
    assert parse_policy(f"# a comment\n{text}\n# another", "x").version == DEMO.version


def test_the_spelling_of_a_value_does_not_change_the_version() -> None:
    plain = parse_policy(
        "name: n\nauthor: a\nlateness: {allowed: 10m}\ndetectors: {groundedness_drift: {margin: 0.01}}", "x"
    )
    other = parse_policy(
        "author: 'a'\nname: \"n\"\nlateness: {allowed: 600s}\ndetectors: {groundedness_drift: {margin: 1e-2}}", "y"
    )
    assert plain.version == other.version == parse_policy("name: n\nauthor: a", "z").version


@pytest.mark.parametrize(
    "change", ["mode: review", "lateness: {allowed: 11m}", "ladder: {memory: 91d}", "care: {categories: []}", "name: m"]
)
def test_a_change_of_content_changes_the_version(change: str) -> None:
    head = "author: a" if change.startswith("name") else "name: n\nauthor: a"
    assert parse_policy(f"{head}\n{change}", "x").version != parse_policy("name: n\nauthor: a", "x").version


def test_the_version_is_a_short_name() -> None:
    assert re.fullmatch(r"pol_[0-9a-f]{26}", DEMO.version)


def test_a_loaded_policy_carries_the_version_of_its_policy() -> None:
    assert DEMO.version == version_of(DEMO.policy)


@pytest.mark.parametrize(
    "name", ["1e5", "null", "true", "007", "1.", "~", "on", "1:30", "2030-01-01", "a: b", "=", "é"]
)
def test_what_policy_show_prints_reads_back_as_the_same_policy(name: str) -> None:
    policy = DEMO.policy.model_copy(update={"name": name})
    loaded = parse_policy(render(type(DEMO)(policy, version_of(policy), "x")), "x")
    assert (loaded.policy.name, loaded.version) == (name, version_of(policy))
