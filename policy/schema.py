"""The policy document described: as JSON Schema for editors, and field by field for people; it validates nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from policy.duration import spell
from policy.policy import Policy
from policy.rule_filter import Where
from policy.section import Section

_KINDS = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "filters"}
_BOUNDS = (("exclusiveMinimum", ">"), ("minimum", "≥"), ("exclusiveMaximum", "<"), ("maximum", "≤"))


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """One field of one section: `section` is its path in the document, empty for the top level."""

    section: str
    field: str
    accepts: str
    default: Any
    required: bool
    meaning: str


class _Schema(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, Where):
            return dft.spell()
        if isinstance(dft, tuple):
            return [self.encode_default(entry) for entry in dft]
        return spell(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def policy_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a policy document, for editors that complete and check YAML."""
    schema = Policy.model_json_schema(schema_generator=_Schema)
    extends = {"type": "string", "description": "The pack, or the .yaml file, that this document is laid over."}
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **schema,
        "title": "Watchfloor policy",
        "properties": {"extends": extends, **schema["properties"]},
    }


def describe_fields() -> tuple[FieldDescription, ...]:
    """Every field of the document, section by section in the order of the models."""
    return tuple(_describe(Policy, ""))


def _describe(section: type[Section], path: str) -> Iterator[FieldDescription]:
    schema = section.model_json_schema(schema_generator=_Schema)
    for name, info in section.model_fields.items():
        shown = schema["properties"][name]
        accepts = "section" if section.section_of(name) else _accepts(shown)
        many = "list of " if shown.get("type") == "array" and accepts == "section" else ""
        yield FieldDescription(
            path, name, many + accepts, shown.get("default"), info.is_required(), info.description or ""
        )
    for name in section.model_fields:
        inner = section.section_of(name)
        if inner is not None:
            many = "[]" if schema["properties"][name].get("type") == "array" else ""
            yield from _describe(inner, f"{path}.{name}{many}".removeprefix("."))


def _accepts(shown: dict[str, Any]) -> str:
    if "$ref" in shown:
        return str(shown["$ref"]).rpartition("/")[2].lower()
    if "anyOf" in shown:
        return " or ".join(_accepts(choice) for choice in shown["anyOf"])
    if "enum" in shown:
        return ", ".join(f"`{word}`" for word in shown["enum"])
    if shown["type"] == "array":
        return f"list of {_accepts(shown['items'])}"
    if "(ms|s|m|h|d)" in shown.get("pattern", ""):
        return "duration"
    if "format" in shown:
        return {"date-time": "moment (RFC 3339)", "uri": "URL"}[shown["format"]]
    bounds = " ".join(f"{sign} {shown[bound]:g}" for bound, sign in _BOUNDS if bound in shown)
    return f"{_KINDS.get(shown['type'], shown['type'])} {bounds}".strip()
