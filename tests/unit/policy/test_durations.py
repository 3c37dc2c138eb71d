"""Durations are read and spelled without loss."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from policy.duration import LONGEST, Duration, PositiveDuration, parse, spell

MILLISECOND = timedelta(milliseconds=1)
DURATIONS = st.integers(0, LONGEST // MILLISECOND).map(lambda count: count * MILLISECOND)


@given(DURATIONS)
def test_a_spelled_duration_reads_back_the_same(duration: timedelta) -> None:
    assert parse(spell(duration)) == duration


@given(DURATIONS)
def test_a_duration_survives_json(duration: timedelta) -> None:
    adapter: TypeAdapter[timedelta] = TypeAdapter(Duration)
    assert adapter.validate_json(adapter.dump_json(duration), strict=True) == duration


@pytest.mark.parametrize(
    ("text", "seconds", "spelled"),
    [
        ("0s", 0, "0s"),
        ("0d", 0, "0s"),
        ("90s", 90, "90s"),
        ("60s", 60, "1m"),
        ("24h", 86_400, "1d"),
        ("250ms", 0.25, "250ms"),
        ("1000ms", 1, "1s"),
        ("36500d", 36_500 * 86_400, "36500d"),
    ],
)
def test_each_unit_is_read_and_the_shortest_spelling_written(text: str, seconds: float, spelled: str) -> None:
    assert parse(text) == timedelta(seconds=seconds)
    assert spell(parse(text)) == spelled


@pytest.mark.parametrize(
    "wrong", ["", "5", "m", "1w", "1M", "-1s", "1.5h", " 1s", "1s\n", "1h30m", "٣s", 5, None, ["1s"]]
)
def test_anything_else_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="a whole number and a unit"):
        parse(wrong)


@pytest.mark.parametrize("wrong", ["36501d", "9999999999999d", timedelta(seconds=-1), timedelta(microseconds=1)])
def test_negative_finer_and_endless_durations_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="between 0s and 36500d"):
        parse(wrong)


def test_a_positive_duration_is_not_zero() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PositiveDuration).validate_python("0s")
