import json
import string
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from events import Category, FilterVerdict, ProviderNotice, RequestLog, ScoreKind, Stage, State, UserFeedback
from events.decoder import RECORD_LIMIT, Decoder, fast_struct
from events.errors import InvalidRecord
from events.event import Event

MODELS: tuple[type[Event], ...] = (RequestLog, FilterVerdict, UserFeedback, ProviderNotice)
DECODERS: dict[type[Event], Decoder[Any]] = {model: Decoder(model) for model in MODELS}

letters, digits = string.ascii_letters, string.digits


def word(first: str, rest: str, longest: int) -> st.SearchStrategy[str]:
    return st.builds(str.__add__, st.sampled_from(first), st.text(rest, max_size=longest - 1))


ids = word(letters + digits, letters + digits + "._:/~-", 128)
labels = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="|"), min_size=1, max_size=128)
bodies = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26)
pseudonyms = st.builds("{}.{}".format, st.sampled_from(["k1", "0", "abcdefgh"]), bodies)
unit = st.floats(0, 1)
counts = st.integers(0, 2**53)
zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def instant(microseconds: int, zone: timezone) -> str:
    return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).astimezone(zone).isoformat()


instants = st.builds(instant, st.integers(-(6 * 10**16), 2 * 10**17), zones)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


EVENT = {
    "v": st.just(1),
    "event_id": ids,
    "at": instants | st.datetimes().map(lambda at: at.isoformat() + "Z"),
    "tenant": word(string.ascii_lowercase + digits, string.ascii_lowercase + digits + "._-", 64),
    "subject": pseudonyms,
    "session": maybe(pseudonyms),
    "api_key": maybe(pseudonyms),
    "source_format": labels,
}
MODEL_EVENT = EVENT | {
    "request_id": ids,
    "provider": labels,
    "model": labels,
    "deployment": maybe(labels),
    "modality": st.sampled_from(["text", "vision", "image", "audio"]),
    "language": maybe(st.sampled_from(["en", "ENG", "zh-Hant-TW", "de-1996-abcdefgh-x1"])),
    "release": maybe(labels),
    "prompt_hash": maybe(st.text("0123456789abcdef", min_size=16, max_size=64)),
    "prompt_shingles": st.lists(st.integers(0, 2**32 - 1), max_size=4) | st.just([7] * 256),
    "links": st.lists(st.sampled_from(["device:" + "0a" * 8, "network:" + "f" * 64]), max_size=8),
}
FIELDS: dict[type[Event], dict[str, st.SearchStrategy[Any]]] = {
    RequestLog: MODEL_EVENT
    | {
        "outcome": st.sampled_from(["completed", "blocked", "failed"]),
        "http_status": maybe(st.integers(100, 599)),
        "finish_reason": maybe(labels),
        "prompt_tokens": maybe(counts),
        "completion_tokens": maybe(counts),
        "latency_ms": maybe(st.floats(0, 86_400_000)),
        "streamed": st.booleans(),
        "partial": st.booleans(),
    },
    FilterVerdict: MODEL_EVENT
    | {
        "filter": labels,
        "filter_version": maybe(labels),
        "stage": st.sampled_from(list(Stage)),
        "category": st.sampled_from(list(Category)),
        "provider_category": labels,
        "state": st.sampled_from(list(State)),
        "severity": maybe(st.integers(0, 3)),
        "score": maybe(unit),
        "score_kind": maybe(st.sampled_from(list(ScoreKind))),
        "item": maybe(ids),
        "choice": maybe(st.integers(0, 127)),
        "partial": st.booleans(),
    },
    UserFeedback: MODEL_EVENT
    | {
        "thumb": maybe(st.sampled_from(["up", "down"])),
        "rating": maybe(st.integers(1, 5)),
        "reasons": st.lists(st.sampled_from(["inaccurate", "harmful", "incomplete", "other"]), max_size=4),
    },
    ProviderNotice: EVENT
    | {
        "provider": labels,
        "kind": st.sampled_from(["warning", "deactivation", "identifier_blocked", "alert"]),
        "provider_category": maybe(labels),
        "request_id": maybe(ids),
        "model": maybe(labels),
    },
}

ODD_TIMES = (
    "2026-06-12T10:41:50.1234567Z",
    "2026-06-12T10:41:50.9999999+00:00",
    "2026-06-12T10:41:50.12345649Z",
    "2026-06-12 10:41:50Z",
    "2026-06-12t10:41:50z",
    "2026-06-12T10:41Z",
    "2026-06-12T10:41:50,5Z",
    "2026-06-12T10:41:60Z",
    "2026-06-12T24:00:00Z",
    "2026-06-12T10:41:50",
    "2026-06-12T10:41:50-00:00",
    "2026-06-12T10:41:50+0530",
    "2026-06-12T10:41:50+24:00",
    "2026-02-30T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.9999999Z",
    "9999-12-31T23:59:59-14:00",
    "2026-W24-5T10:41:50Z",
    "1781260910",
)
ODD_TEXTS = ("", "a\n", "\n", "a|b", "a\x7fb", "a\x00b", "é", "a" * 128, "a" * 129, "en\n", "k1." + "a" * 26 + "\n")
odd_numbers = st.sampled_from(
    [-1, 0, 1, 3, 4, 127, 128, 2**53, 2**53 + 1, 2**64, 10**400, 1.0, 1.5, -0.0, 1e22, float("nan"), float("inf")]
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | odd_numbers
    | st.floats()
    | st.sampled_from(ODD_TIMES + ODD_TEXTS)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def valid(draw: st.DrawFn) -> tuple[type[Event], dict[str, Any]]:
    model = draw(st.sampled_from(MODELS))
    chosen = draw(st.sets(st.sampled_from([n for n, f in model.model_fields.items() if not f.is_required()])))
    names = [name for name, field in model.model_fields.items() if field.is_required() or name in chosen]
    return model, {name: draw(FIELDS[model][name]) for name in names}


@st.composite
def damaged_fields(draw: st.DrawFn) -> tuple[type[Event], bytes]:
    model, fields = draw(valid())
    for name in draw(st.lists(st.sampled_from([*model.model_fields, "unknown"]), max_size=2)):
        if draw(st.booleans()) and name in fields:
            del fields[name]
        else:
            fields[name] = draw(anything)
    if draw(st.booleans()):
        fields["at"] = draw(st.sampled_from(ODD_TIMES))
    return model, json.dumps(fields, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


@st.composite
def damaged_bytes(draw: st.DrawFn) -> tuple[type[Event], bytes]:
    model, fields = draw(valid())
    raw = json.dumps(fields, ensure_ascii=False).encode()
    start = draw(st.integers(0, len(raw)))
    end = draw(st.integers(start, min(len(raw), start + 3)) | st.just(len(raw)))
    return model, raw[:start] + draw(st.binary(max_size=3) | st.sampled_from([b"\\u0000", b"\xff", b'"', b" "])) + raw[
        end:
    ]


@st.composite
def repeated_fields(draw: st.DrawFn) -> tuple[type[Event], bytes]:
    model, fields = draw(valid())
    name = draw(st.sampled_from(list(fields)))
    twice = {name: draw(FIELDS[model][name] | anything)}
    pair = [json.dumps(fields, default=str)[:-1], json.dumps(twice, default=str)[1:]]
    return model, ",".join(pair).encode()


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


VERDICT = {
    "v": 1,
    "event_id": "r-1:prompt:hate",
    "at": "2026-06-12T10:41:50.123456Z",
    "tenant": "acme-eu",
    "subject": "k1." + "a" * 26,
    "request_id": "r-1",
    "provider": "azure.openai",
    "model": "gpt-4.1",
    "filter": "azure-content-filter",
    "stage": "prompt",
    "category": "hate",
    "provider_category": "hate",
    "state": "blocked",
    "severity": 2,
}


def record(**changes: Any) -> bytes:
    return json.dumps(VERDICT | changes, ensure_ascii=False).encode()


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


@st.composite
def splinters(draw: st.DrawFn) -> list[bytes]:
    """Records cut and glued anywhere: whole together, broken one by one."""
    glued = b",".join(record(event_id=f"r-{number}") for number in range(draw(st.integers(1, 4))))
    cuts = sorted(draw(st.lists(st.integers(0, len(glued)) | st.just(len(record(event_id="r-0"))), max_size=4)))
    return [glued[start:end] for start, end in zip([0, *cuts], [*cuts, len(glued)], strict=True)]


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
