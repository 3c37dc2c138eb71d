"""Splitting bodies: objects, lists, lines, and what is none of them."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.body import split
from api.errors import TooManyItems, Unreadable

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=3)


def parts(raw: bytes, content_type: str = "application/json", **limits: Any) -> Any:
    return split(raw, content_type=content_type, **({"max_items": 100, "max_depth": 64} | limits))


@given(OBJECTS)
def test_one_object_is_one_item(item: dict[str, Any]) -> None:
    for text in (json.dumps(item), json.dumps(item, indent=2), f"\n {json.dumps(item)}\r\n"):
        found = parts(text.encode())
        assert (list(found.items), found.single) == ([item], True)


@given(st.lists(VALUES, max_size=6))
def test_a_list_is_its_items(items: list[Any]) -> None:
    found = parts(json.dumps(items).encode())
    assert (list(found.items), found.single) == (items, False)


@settings(max_examples=40)
@given(st.lists(OBJECTS, min_size=2, max_size=6), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_lines_are_recognised_without_being_announced(items: list[Any], newline: str) -> None:
    raw = newline.join(map(json.dumps, items)).encode()
    assert list(parts(raw).items) == items
    assert list(parts(raw, "application/x-ndjson").items) == items


@given(st.binary(max_size=60), st.sampled_from(["application/json", "application/x-ndjson"]))
def test_no_bytes_crash_it(raw: bytes, content_type: str) -> None:
    with suppress(Unreadable):
        assert parts(raw, content_type).items is not None


@pytest.mark.parametrize(
    "raw", [b"", b"  \n", b"{", b'{"a": 1', b'[{"a": 1}', b"nonsense", b'{"a": NaN}', b"\xff\xfe{}"]
)
def test_what_cannot_be_read_is_refused_as_a_whole(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        parts(raw)


def test_a_broken_line_is_an_item_of_its_own() -> None:
    good, broken, after = parts(b'{"a": 1}\n{"a": \n{"a": 2}').items
    assert (good, after) == ({"a": 1}, {"a": 2})
    assert isinstance(broken, Unreadable)


def test_an_announced_single_line_is_a_batch_of_one() -> None:
    assert not parts(b'{"a": 1}', "application/x-ndjson").single


@pytest.mark.parametrize("raw", [b"[1, 2, 3]", b"{}\n{}\n{}"])
def test_more_items_than_allowed_are_refused(raw: bytes) -> None:
    assert len(parts(raw, max_items=3).items) == 3
    with pytest.raises(TooManyItems):
        parts(raw, max_items=2)


@pytest.mark.parametrize(("depth", "fits"), [(4, True), (5, False), (900, False)])
def test_an_item_may_be_nested_so_deeply_only(depth: int, *, fits: bool) -> None:
    raw = b'{"a":' * depth + b"1" + b"}" * depth
    assert isinstance(parts(raw, max_depth=4).items[0], dict) is fits
    listed = parts(b"[" + raw.replace(b"1", b"[]") + b", 1]", max_depth=5)
    assert isinstance(listed.items[0], dict) is fits
    assert listed.items[1] == 1


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_absurd_nesting_is_refused_and_never_crashes(opening: bytes) -> None:
    with pytest.raises(Unreadable):
        parts(opening * 500_000)
    closed = opening * 5_000 + b"1" + (b"]" if opening == b"[" else b"}") * 5_000
    with pytest.raises(Unreadable):
        parts(closed)
