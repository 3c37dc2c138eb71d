"""The filters of a rule: which events it looks at, read from YAML and spelled back; it matches no event itself."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from typing import Annotated, Any, TypeAlias

from pydantic import PlainSerializer, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from policy.rule_fields import RULE_FIELDS, On, RuleField
from policy.tree import Path

Value: TypeAlias = str | int | float | bool | None
Finding: TypeAlias = tuple[Path, str]
"""Where something is wrong, inside the value that is checked, and what."""

BOUNDS = ("gt", "gte", "lt", "lte")
MOST_FIELDS = 16
MOST_VALUES = 100


@dataclass(frozen=True, slots=True)
class Filter:
    """What one field must hold: one of `any_of` (if any), none of `none_of`, and within every bound."""

    field: str
    any_of: tuple[Value, ...] = ()
    none_of: tuple[Value, ...] = ()
    bounds: tuple[tuple[str, float], ...] = ()

    def accepts(self, word: str | None) -> bool:
        """Whether a word of a closed list, or its absence, passes."""
        return word not in self.none_of and (not self.any_of or word in self.any_of)

    def spell(self) -> Any:
        """As it is written in a policy."""
        if not self.none_of and not self.bounds:
            return _spell(self.any_of)
        return {**({"not": _spell(self.none_of)} if self.none_of else {}), **dict(self.bounds)}


class Where(tuple[Filter, ...]):
    """Filters that must all pass; without any, every event does."""

    __slots__ = ()

    def spell(self) -> dict[str, Any]:
        """As it is written in a policy."""
        return {one.field: one.spell() for one in self}

    def of(self, field: str) -> Filter | None:
        """The filter on a field, None where there is none."""
        return next((one for one in self if one.field == field), None)


def refuse(findings: Iterable[Finding]) -> None:
    """Raise pydantic's ValidationError with each finding at its place; nothing for no findings."""
    details = [
        InitErrorDetails(type=PydanticCustomError("rule", "{reason}", {"reason": reason}), loc=path, input=None)
        for path, reason in findings
    ]
    if details:
        raise ValidationError.from_exception_data("rule", details)


def suggest(wrong: str, known: Iterable[object]) -> str:
    """`; did you mean …?` where a known word is near, else what is known."""
    words = [str(word) for word in known]
    near = get_close_matches(wrong, words, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(words)}"


def misfits(where: Where, on: On) -> Iterator[Finding]:
    """The filters that cannot be about such events: unknown fields, and values that a field never holds."""
    for one in where:
        known = RULE_FIELDS[on].get(one.field)
        if known is None:
            yield (one.field,), f"{on} have no such field" + suggest(one.field, RULE_FIELDS[on])
        elif one.bounds and known.kind != "number":
            yield (one.field,), f"{one.field} is no number and cannot be compared"
        else:
            wrong = (_misfit(value, known) for value in (*one.any_of, *one.none_of) if value is not None)
            yield from (((one.field,), reason) for reason in wrong if reason)


def _misfit(value: Value, known: RuleField) -> str:
    match known.kind:
        case "word" if value not in known.words:
            return "unknown word" + suggest(str(value), known.words)
        case "text" if not isinstance(value, str):
            return "a text is expected here: put it in quotes"
        case "flag" if not isinstance(value, bool):
            return "true or false is expected here"
        case "number" if isinstance(value, str | bool) or (known.words and value not in known.words):
            return f"one of {', '.join(map(str, known.words))} is expected" if known.words else "a number is expected"
    return ""


def _parse(given: object) -> Where:
    if isinstance(given, Where):
        return given
    if not isinstance(given, Mapping):
        raise ValueError("fields are expected here, each with what it must hold")
    refuse(_malformed(given))
    return Where(_filter(name, content) for name, content in given.items())


def _malformed(given: Mapping[str, object]) -> Iterator[Finding]:
    if len(given) > MOST_FIELDS:
        yield (), f"more than {MOST_FIELDS} fields"
    for name, content in given.items():
        if isinstance(content, Mapping):
            yield from _malformed_comparison(name, content)
        else:
            yield from _malformed_values((name,), content)


def _malformed_comparison(name: str, content: Mapping[str, object]) -> Iterator[Finding]:
    if not content:
        yield (name,), f"a comparison is expected here: {', '.join((*BOUNDS, 'not'))}"
    for key, value in content.items():
        if key == "not":
            yield from _malformed_values((name, key), value)
        elif key not in BOUNDS:
            yield (name, key), "unknown comparison" + suggest(key, (*BOUNDS, "not"))
        elif isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            yield (name, key), "a number is expected"


def _malformed_values(path: Path, content: object) -> Iterator[Finding]:
    values = _values(content)
    if not 1 <= len(values) <= MOST_VALUES:
        yield path, f"one to {MOST_VALUES} values are expected"
    if any(not isinstance(value, Value) or (isinstance(value, str) and len(value) > 160) for value in values):
        yield path, "a plain value, or a list of them, is expected"


def _filter(name: str, content: object) -> Filter:
    if not isinstance(content, Mapping):
        return Filter(name, any_of=_values(content))
    bounds = tuple((bound, content[bound]) for bound in BOUNDS if bound in content)
    return Filter(name, none_of=_values(content["not"]) if "not" in content else (), bounds=bounds)


def _values(content: Any) -> tuple[Any, ...]:
    return tuple(content) if isinstance(content, list | tuple) else (content,)


def _spell(values: tuple[Value, ...]) -> Any:
    return values[0] if len(values) == 1 else list(values)


Filters = Annotated[
    Where,
    PlainValidator(_parse),
    PlainSerializer(Where.spell, return_type=dict[str, Any]),
    WithJsonSchema({"type": "object", "maxProperties": MOST_FIELDS}),
]
"""`{field: value, field: [value, value], field: {gte: number}, field: {not: value}}`; all must hold."""
