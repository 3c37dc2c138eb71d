"""Weeks of hourly counts in one byte each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detectors.hour_history import History, counts, known, remembered, since


def _of(hours: list[float | None], *, start: int = 100, keep: int = 1344) -> History:
    history = History()
    for hour, count in enumerate(hours, start):
        history = remembered(history, hour, count, keep=keep)
    return history


@given(st.integers(0, 450_000))
def test_a_count_is_kept_exactly_or_within_three_percent(count: int) -> None:
    (kept,) = counts(_of([float(count)])).tolist()
    assert kept == pytest.approx(count, rel=0.032)
    assert count >= 32 or kept == count


@given(st.integers(0, 10**12))
def test_a_larger_count_is_never_kept_as_a_smaller_one(count: int) -> None:
    one, two = counts(_of([float(count), float(count + 1)])).tolist()
    assert one <= two


def test_unknown_and_missing_hours_are_told_apart_from_zeros() -> None:
    history = remembered(_of([0.0, None, 3.0]), 105, 4.0, keep=1344)
    assert counts(history).tolist() == [0, -1, 3, -1, -1, 4]
    assert (history.first, history.end, known(history)) == (100, 106, 3)


def test_an_hour_is_remembered_once() -> None:
    history = _of([1.0, 2.0])
    assert remembered(history, 101, 9.0, keep=1344) is history


def test_the_oldest_hours_are_forgotten() -> None:
    history = _of([float(n) for n in range(30)], keep=10)
    assert counts(history).tolist() == list(range(20, 30))
    assert counts(since(history, 125)).tolist() == [25, 26, 27, 28, 29]
    assert since(history, 0) == history
    assert len(remembered(history, 10**9, 1.0, keep=10).hours) == 10
