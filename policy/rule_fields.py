"""The fields that a rule may look at, and what each of them holds: read off the event models, never listed twice."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from inspect import isclass
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from events import Event, FilterVerdict, ProviderNotice, RequestLog, UserFeedback

On: TypeAlias = Literal["verdicts", "requests", "feedback", "notices"]
"""The events that a rule is about."""


@dataclass(frozen=True, slots=True)
class RuleField:
    """What a field holds. `words` are all that it can hold where that is a closed list; `many`: a list of them."""

    kind: Literal["word", "text", "number", "flag"]
    words: tuple[str | int, ...] = ()
    many: bool = False


TOTAL_TOKENS = "total_tokens"
"""Derived: prompt and completion tokens of a request together, absent where the log gives neither."""

_PLAIN = {bool: RuleField("flag"), int: RuleField("number"), float: RuleField("number"), str: RuleField("text")}


def _read(annotation: Any) -> RuleField | None:
    if get_origin(annotation) is Annotated:
        return _read(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return next(filter(None, map(_read, get_args(annotation))), None)
    if get_origin(annotation) is tuple:
        inner = _read(get_args(annotation)[0])
        return RuleField(inner.kind, inner.words, many=True) if inner and inner.kind != "number" else None
    if get_origin(annotation) is Literal:
        words = get_args(annotation)
        return RuleField("word" if isinstance(words[0], str) else "number", words)
    if isclass(annotation) and issubclass(annotation, StrEnum):
        return RuleField("word", tuple(map(str, annotation)))
    return _PLAIN.get(annotation)


def _fields(model: type[Event]) -> Iterator[tuple[str, RuleField]]:
    for name, info in model.model_fields.items():
        found = _read(info.annotation)
        if found is not None and name != "v":
            yield name, found
    if model is RequestLog:
        yield TOTAL_TOKENS, RuleField("number")


RULE_FIELDS: Mapping[On, Mapping[str, RuleField]] = MappingProxyType(
    {
        "verdicts": MappingProxyType(dict(_fields(FilterVerdict))),
        "requests": MappingProxyType(dict(_fields(RequestLog))),
        "feedback": MappingProxyType(dict(_fields(UserFeedback))),
        "notices": MappingProxyType(dict(_fields(ProviderNotice))),
    }
)
"""By event, the fields that a rule may name."""
