"""The packs that come with Watchfloor load, and say what the reference says."""

import pytest

from policy import Policy, load_policy
from policy.detectors import Detectors
from policy.repeat_offender import RepeatOffenderPolicy
from policy.source import pack_names

STATISTICAL = (
    "half_life", "prior_violations", "prior_requests", "permitted_rate", "review_at", "restrict_at", "block_at",
    "block_min_violations",
)  # fmt: skip


def test_the_packs_are_listed() -> None:
    assert pack_names() == ("azure-default", "demo", "llm-abuse")


@pytest.mark.parametrize("name", pack_names())
def test_a_pack_is_loaded_by_its_name(name: str) -> None:
    loaded = load_policy(name)
    assert (loaded.policy.name, loaded.source) == (name, f"pack:{name}")


def test_the_default_pack_leaves_every_parameter_at_its_documented_default() -> None:
    pack = load_policy("azure-default").policy
    plain = Policy(name="azure-default", author="Watchfloor", guardrails=pack.guardrails)
    assert pack == plain


def test_the_demo_enforces_and_extends_the_default_pack() -> None:
    demo = load_policy("demo")
    assert (demo.policy.mode, demo.bases) == ("enforce", ("pack:azure-default",))
    assert demo.policy.guardrails == load_policy("azure-default").policy.guardrails


@pytest.mark.parametrize("field", STATISTICAL)
def test_the_demo_is_as_sure_as_the_default_before_it_acts(field: str) -> None:
    demo = load_policy("demo").policy.detectors.repeat_offender
    assert getattr(demo, field) == getattr(RepeatOffenderPolicy(), field)


def test_the_demo_keeps_the_false_alarm_budgets_of_the_default() -> None:
    demo, default = load_policy("demo").policy.detectors, Detectors()
    assert demo.category_spike.page_every == default.category_spike.page_every
    assert demo.groundedness_drift.false_alarm_every == default.groundedness_drift.false_alarm_every


@pytest.mark.parametrize("name", pack_names())
def test_a_pack_climbs_from_a_warning_to_a_step_that_needs_a_human(name: str) -> None:
    steps = load_policy(name).policy.ladder.steps
    assert [step.action for step in steps] == ["warn", "throttle", "suspend", "ban"]
    assert [step.needs_human for step in steps] == [False, False, False, True]
