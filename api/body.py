"""Splits the body of an ingest request into items: one object, a list, or one object per line. It judges no field."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from api.errors import ApiError, TooManyItems, Unreadable

NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines"})
_CONTAINERS = frozenset({dict, list})


@dataclass(frozen=True, slots=True)
class Body:
    """The items in order; an item that could not be read is its error. `single`: the body was one object."""

    items: Sequence[Any | ApiError]
    single: bool


def split(raw: bytes, *, content_type: str, max_items: int, max_depth: int) -> Body:
    """Split a body. Raises Unreadable when nothing can be read, TooManyItems."""
    text = raw.strip()
    if not text:
        raise Unreadable(detail={"reason": "empty_body"})
    if content_type in NDJSON:
        return _lines(text, max_items, max_depth)
    try:
        whole = _decode(text)
    except Unreadable:
        if not _looks_like_lines(text):
            raise
        return _lines(text, max_items, max_depth)
    if not isinstance(whole, list):
        return Body((_checked(whole, max_depth),), single=True)
    _count(len(whole), max_items)
    return Body([_checked(item, max_depth) for item in whole], single=False)


def _lines(text: bytes, max_items: int, max_depth: int) -> Body:
    lines = [line for line in text.split(b"\n") if line.strip()]
    _count(len(lines), max_items)
    return Body([_line(line, max_depth) for line in lines], single=False)


def _line(line: bytes, max_depth: int) -> Any | ApiError:
    try:
        return _checked(_decode(line), max_depth)
    except Unreadable as error:
        return error


def _looks_like_lines(text: bytes) -> bool:
    first, newline, _ = text.partition(b"\n")
    try:
        return bool(newline) and isinstance(_decode(first), dict)
    except Unreadable:
        return False


def _decode(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except RecursionError as error:
        raise Unreadable(detail={"reason": "too_deep"}) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(detail={"reason": "not_json"}) from error


def _checked(item: Any, max_depth: int) -> Any | ApiError:
    level: list[Any] = [[item]]
    for _ in range(max_depth + 1):
        level = [inner for node in level for inner in _values(node) if type(inner) in _CONTAINERS]
        if not level:
            return item
    return Unreadable(detail={"reason": "too_deep"})


def _values(container: Any) -> Iterable[Any]:
    return container.values() if type(container) is dict else container


def _count(items: int, limit: int) -> None:
    if items > limit:
        raise TooManyItems(detail={"limit": limit})
