"""One field of an event's model as a column: its Arrow type and what its values must be; it reads nothing."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import inspect

from events.decoder import LABEL, fast_struct, joint_patterns
from events.event import Event

Check = Callable[[Any], bool]
"""Whether all values of an Arrow array are right; nulls are not looked at."""

UTC_TIME: Final = (
    r"^(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|\+00:00)$"
)
"""The instants that every reader reads alike; which days a month has is left to the conversion."""

_A_FEW: Final = 256
_is_label: Final = re.compile(LABEL).fullmatch


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a model, for records that are JSON and UTF-8."""

    name: str
    type: pa.DataType
    """As it is in JSON: an instant is text."""
    fits: Check
    required: bool
    default: Any
    repeats: bool
    """A text that few values are enough for: it is sent as a number of a dictionary."""


def event_fields(model: type[Event], varied: Collection[str]) -> list[Field]:
    """All fields of `model`, in its order. Texts that are not in `varied` repeat from event to event.

    Raises TypeError for a kind of field that it does not know.
    """
    info, patterns = cast(inspect.StructType, inspect.type_info(fast_struct(model))), joint_patterns(model)
    return [_field(field, patterns.get(field.name), varied) for field in info.fields]


def _field(field: inspect.Field, pattern: str | None, varied: Collection[str]) -> Field:
    kind = _present(field.type)
    column, fits = (pa.string(), partial(_match, rf"^(?:{pattern})$")) if pattern else _column(kind)
    repeats = column == pa.string() and field.name not in {"at", *varied}
    return Field(field.name, column, fits, field.required, field.default, repeats)


def _present(kind: inspect.Type) -> inspect.Type:
    if not isinstance(kind, inspect.UnionType):
        return kind
    (only,) = [part for part in kind.types if not isinstance(part, inspect.NoneType)]
    return only


def _column(kind: inspect.Type) -> tuple[pa.DataType, Check]:
    match kind:
        case inspect.DateTimeType():
            return pa.string(), partial(_match, UTC_TIME)
        case inspect.StrType(pattern=str(pattern)):
            return pa.string(), partial(_match, pattern.removesuffix(r"\Z") + "$")
        case inspect.StrType(min_length=int()):
            return pa.string(), _are_labels
        case inspect.EnumType(cls=members):
            return _choice([member.value for member in members])
        case inspect.LiteralType(values=values):
            return _choice(list(values))
        case inspect.IntType(ge=int(least), le=int(most)):
            return pa.int64(), lambda numbers: _between(numbers, least, most)
        case inspect.FloatType(ge=(int() | float()) as low, le=(int() | float()) as high):
            return pa.float64(), lambda numbers: _between(numbers, low, high)
        case inspect.BoolType():
            return pa.bool_(), lambda _: True
        case inspect.VarTupleType(item_type=item, max_length=int(longest)):
            return _list(_column(item), longest)
    raise TypeError(f"no column is known for {kind}")


def _choice(values: list[Any]) -> tuple[pa.DataType, Check]:
    known = {None, *values}
    return pa.array(values).type, lambda chosen: known.issuperset(_distinct(chosen))


def _list(item: tuple[pa.DataType, Check], longest: int) -> tuple[pa.DataType, Check]:
    kind, fits = item

    def fit(lists: Any) -> bool:
        items = pc.list_flatten(lists)
        return not items.null_count and fits(items) and _between(pc.list_value_length(lists), 0, longest)

    return pa.list_(kind), fit


def _are_labels(texts: Any) -> bool:
    try:
        return all(text is None or _is_label(text) for text in _distinct(texts))
    except UnicodeDecodeError:
        return False


def _distinct(values: Any) -> list[Any]:
    """Every value at least once. To look at a few costs less than to ask Arrow and wait for the lock again."""
    return list((values if len(values) <= _A_FEW else values.unique()).to_pylist())


def _match(pattern: str, texts: Any) -> bool:
    return _all(pc.match_substring_regex(texts, pattern))


def _between(numbers: Any, least: float, most: float) -> bool:
    return _all(pc.and_(pc.greater_equal(numbers, least), pc.less_equal(numbers, most)))


def _all(found: Any) -> bool:
    return not found.false_count
