"""Python values become Arrow columns without a change; columns that say nothing are left out."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from events import Category
from sql.columns import constant_column, instants, microseconds, plain_columns, repeated_columns

labels = st.none() | st.sampled_from(["", "a", "b", "\u00e9"])
rows = st.lists(st.tuples(labels, st.none() | st.integers(0, 3), st.booleans()), min_size=1, max_size=40)


@given(rows)
@settings(deadline=None)
def test_repeated_columns_hold_what_was_put_in(content: list[tuple[str | None, int | None, bool]]) -> None:
    found = repeated_columns(("label", "number", "flag"), content)
    for place, (name, nothing) in enumerate((("label", ""), ("number", None), ("flag", None))):
        expected = [nothing if row[place] is None else row[place] for row in content]
        left_out = all(row[place] is None for row in content)
        assert left_out if name not in found else found[name].to_pylist() == expected


def test_a_repeated_text_is_sent_once() -> None:
    found = repeated_columns(("category", "number"), [(Category.HATE, 1), (Category.VIOLENCE, 1), (Category.HATE, 2)])
    assert found["category"].dictionary.to_pylist() == ["hate", "violence"]
    assert found["category"].to_pylist() == ["hate", "violence", "hate"]
    assert not pa.types.is_dictionary(found["number"].type)


def test_an_absent_text_and_an_empty_one_are_one_entry() -> None:
    found = repeated_columns(("label", "flag"), [(None, True), ("", True), ("a", False)])
    assert found["label"].dictionary.to_pylist() == ["", "a"], "ClickHouse refuses a dictionary that repeats itself"
    assert found["label"].to_pylist() == ["", "", "a"]


def test_columns_without_a_value_are_left_out_and_zeros_are_not() -> None:
    found = plain_columns(("none", "lists", "zero", "some"), [[None, None], [(), ()], [0, 0], [None, "x"]])
    assert {name: array.to_pylist() for name, array in found.items()} == {"zero": [0, 0], "some": [None, "x"]}


def test_lists_keep_their_lengths() -> None:
    found = plain_columns(("links",), [[("a", "b"), (), ("c",)]])
    assert found["links"].to_pylist() == [["a", "b"], [], ["c"]]


@given(st.integers(-62_000_000_000_000_000, 253_000_000_000_000_000))
def test_times_are_exact_to_the_microsecond(micros: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    assert microseconds([at]).tolist() == [micros]


def test_stored_times_are_cut_to_the_millisecond() -> None:
    at = datetime(2026, 3, 2, 12, 0, 0, 1_999, tzinfo=UTC)
    assert instants(microseconds([at])).to_pylist() == [at.replace(microsecond=1_000)]
    assert instants(np.array([], np.int64)).to_pylist() == []


def test_a_constant_fills_its_column() -> None:
    assert constant_column(7, 3).to_pylist() == [7, 7, 7]
