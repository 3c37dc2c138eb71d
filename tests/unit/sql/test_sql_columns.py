"""Python values become Arrow columns without a change; columns that say nothing are left out."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sql.columns import constant_column, instants, microseconds, plain_columns


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
