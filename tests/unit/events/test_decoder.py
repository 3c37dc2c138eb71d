import json
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest
from event_records import (
    MODELS,
    ODD_TEXTS,
    ODD_TIMES,
    damaged_bytes,
    damaged_fields,
    record,
    repeated_fields,
    splinters,
    valid,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from events import FilterVerdict, State
from events.decoder import RECORD_LIMIT, Decoder, fast_struct
from events.errors import InvalidRecord
from events.event import Event

DECODERS: dict[type[Event], Decoder[Any]] = {model: Decoder(model) for model in MODELS}


def by_pydantic(model: type[Event], raw: bytes) -> dict[str, str] | None:
    try:
        return {name: repr(value) for name, value in dict(model.model_validate_json(raw)).items()}
    except (ValidationError, OverflowError):
        return None


def by_decoder(model: type[Event], raw: bytes) -> dict[str, str] | None:
    try:
        event = DECODERS[model].decode(raw)
    except InvalidRecord:
        return None
    return {name: repr(getattr(event, name)) for name in model.model_fields}


thorough = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))


@thorough
@given(valid())
def test_a_valid_event_is_read_as_pydantic_reads_it(case: tuple[type[Event], dict[str, Any]]) -> None:
    model, fields = case
    raw = json.dumps(fields, ensure_ascii=False).encode()
    assert by_decoder(model, raw) == by_pydantic(model, raw) is not None


@thorough
@given(damaged_fields() | damaged_bytes() | repeated_fields())
def test_the_verdict_on_a_damaged_event_is_pydantics(case: tuple[type[Event], bytes]) -> None:
    assert by_decoder(*case) == by_pydantic(*case)


@given(st.sampled_from(MODELS), st.binary(max_size=64))
def test_the_verdict_on_any_bytes_is_pydantics(model: type[Event], raw: bytes) -> None:
    assert by_decoder(model, raw) == by_pydantic(model, raw)


@pytest.mark.parametrize("at", ODD_TIMES)
def test_an_odd_time_is_judged_as_pydantic_judges_it(at: str) -> None:
    assert by_decoder(FilterVerdict, record(at=at)) == by_pydantic(FilterVerdict, record(at=at))


@pytest.mark.parametrize("field", ["event_id", "tenant", "subject", "session", "language", "item", "model", "release"])
@pytest.mark.parametrize("text", ODD_TEXTS)
def test_an_odd_text_is_judged_as_pydantic_judges_it(field: str, text: str) -> None:
    raw = record(**{field: text})
    assert by_decoder(FilterVerdict, raw) == by_pydantic(FilterVerdict, raw)


def test_time_is_handed_on_in_utc() -> None:
    event = DECODERS[FilterVerdict].decode(record(at="2026-06-12T12:41:50+02:00"))
    assert event.at == datetime(2026, 6, 12, 10, 41, 50, tzinfo=UTC)
    assert event.at.tzinfo is UTC


def test_fast_and_slow_path_give_the_same_kind_of_object() -> None:
    fast = DECODERS[FilterVerdict].decode(record())
    slow = DECODERS[FilterVerdict].decode(record(from_a_newer_writer=True))
    assert fast == slow
    assert type(fast) is type(slow)


def test_what_is_read_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        DECODERS[FilterVerdict].decode(record()).state = State.CLEAN


def test_a_huge_record_is_refused_unread() -> None:
    with pytest.raises(InvalidRecord) as caught:
        DECODERS[FilterVerdict].decode(record() + b" " * RECORD_LIMIT)
    assert (caught.value.path, caught.value.reason) == ("", "too_large")


def test_the_error_names_the_field_and_the_kind_but_no_value() -> None:
    with pytest.raises(InvalidRecord) as caught:
        DECODERS[FilterVerdict].decode(record(subject="jane@example.com"))
    assert (caught.value.path, caught.value.reason) == ("subject", "string_pattern_mismatch")
    assert str(caught.value) == "subject: string_pattern_mismatch"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_time_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(InvalidRecord) as caught:
        DECODERS[FilterVerdict].decode(record(at="0001-01-01T00:00:00+14:00"))
    assert (caught.value.path, caught.value.reason) == ("at", "datetime_out_of_range")


class Rounded(Event):
    ratio: Annotated[int, Field(multiple_of=3)] = 3


class Checked(Event):
    colour: Annotated[str, AfterValidator(str.lower)] = "red"


class Loose(Event):
    colour: Annotated[str, StringConstraints(pattern="red")] | None = None


class Trimmed(Event):
    colour: Annotated[str, StringConstraints(pattern="^red$", strip_whitespace=True)]


@pytest.mark.parametrize(
    ("model", "message"),
    [(Rounded, "MultipleOf"), (Checked, "AfterValidator"), (Loose, "anchored"), (Trimmed, "by a pattern only")],
)
def test_a_constraint_that_the_fast_decoder_does_not_know_stops_the_build(model: type[Event], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        fast_struct(model)


def one_by_one(model: type[Event], raws: list[bytes]) -> list[dict[str, str] | None]:
    return [by_decoder(model, raw) for raw in raws]


def together(model: type[Event], raws: list[bytes]) -> list[dict[str, str] | None]:
    found = DECODERS[model].decode_many(raws)
    return [
        None if isinstance(one, InvalidRecord) else {name: repr(getattr(one, name)) for name in model.model_fields}
        for one in found
    ]


@thorough
@given(splinters())
def test_records_that_are_whole_only_together_are_refused(raws: list[bytes]) -> None:
    assert together(FilterVerdict, raws) == one_by_one(FilterVerdict, raws)


@thorough
@given(st.lists(damaged_fields() | damaged_bytes() | repeated_fields() | splinters(), max_size=5), st.integers(0, 70))
def test_records_read_together_are_read_as_one_by_one(cases: list[Any], filling: int) -> None:
    damaged = [raw for case in cases for raw in (case if isinstance(case, list) else [case[1]])]
    raws = [record()] * filling + damaged + [record()] * (70 - filling)
    assert together(FilterVerdict, raws) == one_by_one(FilterVerdict, raws)


@pytest.mark.parametrize(
    "raws",
    [
        [b'{"v":1,"model":"a}', b'{","x":2}', record() + b"," + record()],
        [record() + b"," + record(), b"", record()],
        [record()[:-1], b"}" + record()],
        [b"[" + record() + b"]", record()],
        [record(), record() + b" "],
    ],
)
def test_a_record_never_borrows_from_its_neighbour(raws: list[bytes]) -> None:
    assert together(FilterVerdict, raws) == one_by_one(FilterVerdict, raws)


@pytest.mark.parametrize("model", MODELS)
def test_events_are_flat_so_that_no_brace_can_be_left_open(model: type[Event]) -> None:
    kinds = repr(msgspec.structs.fields(fast_struct(model)))
    assert "dict" not in kinds
    assert "Struct" not in kinds
