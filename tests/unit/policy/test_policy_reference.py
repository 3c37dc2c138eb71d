"""Every field of a policy is described, in the schema and in docs/policy.md, and the two agree."""

import json
import re
from itertools import groupby
from pathlib import Path

import pytest

from policy import LoadedPolicy, parse_policy
from policy.duration import parse, spell
from policy.ladder import Ladder
from policy.quotas import DEFAULT_QUOTAS
from policy.schema import FieldDescription, describe_fields, policy_schema
from policy.source import pack_names

DOCS = (Path(__file__).parents[3] / "docs/policy.md").read_text(encoding="utf-8")
FIELDS = describe_fields()


def title(section: str) -> str:
    return f"### `{section}`" if section else "### The document"


def default(field: FieldDescription) -> str:
    if field.required:
        return "required"
    if field.accepts.endswith("section"):
        shown = f"see {(field.section or field.field).capitalize()}"
        return "" if field.accepts == "section" else shown if field.default else "none"
    return f"`{json.dumps(field.default)}`".replace('"', "")


def table(fields: list[FieldDescription]) -> str:
    rows = [f"| `{field.field}` | {field.accepts} | {default(field)} | {field.meaning} |" for field in fields]
    return "\n".join(["| field | accepts | default | meaning |", "|---|---|---|---|", *rows])


def reference() -> str:
    sections = groupby(FIELDS, key=lambda field: field.section)
    return "\n\n".join(f"{title(section)}\n\n{table(list(fields))}" for section, fields in sections)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: f"{field.section}.{field.field}")
def test_every_field_is_described(field: FieldDescription) -> None:
    assert len(field.meaning) >= 10
    assert field.meaning.endswith(".")


def test_the_sections_of_the_document_are_all_walked() -> None:
    assert {field.section for field in FIELDS} == {
        "", "guardrails", "guardrails.rows[]", "detectors", "detectors.repeat_offender",
        "detectors.category_spike", "detectors.groundedness_drift", "detectors.automation",
        "detectors.filter_fault", "detectors.silence", "rules[]", "rules[].condition", "rules[].steps[]",
        "ladder", "ladder.steps[]", "quotas[]", "care", "exemptions[]", "appeals", "lateness", "dead_letters",
        "retention", "receivers[]",
    }  # fmt: skip


def test_the_reference_in_the_docs_is_what_the_models_say() -> None:
    _, _, tail = DOCS.partition("<!-- reference: begin -->\n\n")
    written, _, _ = tail.partition("\n\n<!-- reference: end -->")
    assert written == reference()


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL))
def test_every_example_in_the_docs_is_a_valid_policy(example: str) -> None:
    assert isinstance(parse_policy(example, "docs/policy.md"), LoadedPolicy)


def test_the_default_ladder_in_the_docs_is_the_one_of_the_models() -> None:
    for number, step in enumerate(Ladder().steps, start=1):
        lasts = spell(step.duration) if step.duration else "until lifted"
        human = "yes" if step.needs_human else "no"
        assert f"| {number} | {step.action} | {step.level} | {lasts} | {human} |" in DOCS


def test_the_default_quotas_in_the_docs_are_those_of_the_models() -> None:
    for quota in DEFAULT_QUOTAS:
        assert f"| {quota.measure} | {quota.at_most} | {spell(quota.window)} |" in DOCS


def test_the_docs_name_every_pack() -> None:
    assert all(f"`{name}`" in DOCS for name in pack_names())


def test_the_schema_knows_every_field_and_refuses_others() -> None:
    schema = policy_schema()
    sections = [schema, *(part for part in schema["$defs"].values() if part["type"] == "object")]
    assert all(section["additionalProperties"] is False for section in sections)
    assert set(schema["properties"]) == {"extends", *(field.field for field in FIELDS if not field.section)}
    assert schema["required"] == ["name", "author"]


def test_the_defaults_in_the_schema_are_spelled_as_people_write_them() -> None:
    durations = [field.default for field in FIELDS if field.accepts == "duration" and not field.required]
    assert durations
    assert all(parse(duration) is not None for duration in durations)


def test_the_schema_is_json() -> None:
    assert json.loads(json.dumps(policy_schema()))["title"] == "Watchfloor policy"
