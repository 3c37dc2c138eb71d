"""Events read by the columns are the events that the decoder reads one by one, whatever is among them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
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

from events import FilterVerdict, RequestLog, UserFeedback
from events.decoder import RECORD_LIMIT, Decoder
from events.errors import InvalidRecord
from events.event import Event
from events.seen import event_hash
from sql.field import event_fields
from sql.reading import EventReader
from sql.rows import Facts

VARIED = frozenset({"event_id", "subject", "session", "api_key", "request_id", "prompt_hash", "item"})
READERS = {model: EventReader(model, varied=VARIED, few=1) for model in MODELS}
DECODERS: dict[type[Event], Decoder[Any]] = {model: Decoder(model) for model in MODELS}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
thorough = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def decoded(model: type[Event], value: bytes) -> Any:
    try:
        return DECODERS[model].decode(value)
    except InvalidRecord:
        return None


def column(model: type[Event], name: str, events: list[Any]) -> list[Any]:
    """What a column holds; nothing where no event says anything."""
    values = [getattr(event, name) for event in events]
    if all(value in (None, ()) for value in values):
        return []
    text = any(isinstance(value, str) for value in values)
    nothing = "" if text and name not in VARIED else None
    plain = [list(value) if isinstance(value, tuple) else value for value in values]
    return [nothing if value is None else str(value) if isinstance(value, str) else value for value in plain]


def expected(model: type[Event], values: list[bytes]) -> tuple[Any, ...]:
    found = [decoded(model, value) for value in values]
    events = [event for event in found if event is not None]
    names = sorted(name for name in model.model_fields if name not in ("v", "at"))
    columns = {name: held for name in names if (held := column(model, name, events))}
    micros = [(event.at - EPOCH) // timedelta(microseconds=1) for event in events]
    hashes = [event_hash(event.tenant, event.event_id) for event in events]
    return columns, micros, hashes, [place for place, event in enumerate(found) if event is not None]


def told(facts: Facts) -> tuple[Any, ...]:
    columns = {name: facts.content[name].to_pylist() for name in sorted(facts.content.column_names)}
    return columns, facts.micros.tolist(), facts.hashes.tolist(), facts.places.tolist()


def is_plain(model: type[Event], values: list[bytes]) -> bool:
    return READERS[model]._plain(values) is not None


@st.composite
def records_of_one_model(draw: st.DrawFn) -> tuple[type[Event], list[bytes]]:
    """Valid and damaged records; half of the batches have none that is damaged."""
    model = draw(st.sampled_from(MODELS))
    good = valid().map(lambda case: (case[0], json.dumps(said(case[1]), ensure_ascii=False).encode()))
    bad = damaged_fields() | damaged_bytes() | repeated_fields()
    kinds = draw(st.sampled_from([good, good | bad]))
    return model, draw(st.lists(kinds.filter(lambda case: case[0] is model).map(lambda case: case[1]), max_size=6))


def said(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as a canonical writer writes them."""
    at = datetime.fromisoformat(fields["at"]).astimezone(UTC) if "+" in fields["at"] else None
    time = {"at": at.isoformat().replace("+00:00", "Z")} if at else {}
    return {name: value for name, value in fields.items() if value not in (None, [], ())} | time


@thorough
@given(records_of_one_model())
def test_records_are_read_as_the_decoder_reads_them(case: tuple[type[Event], list[bytes]]) -> None:
    model, values = case
    assert told(READERS[model].read(values)) == expected(model, values)


@thorough
@given(damaged_fields() | damaged_bytes() | repeated_fields())
def test_a_damaged_record_is_judged_by_the_decoder(case: tuple[type[Event], bytes]) -> None:
    model, value = case
    assert told(READERS[model].read([value, value])) == expected(model, [value, value])


@thorough
@given(splinters())
def test_records_that_are_whole_only_together_are_refused(values: list[bytes]) -> None:
    assert told(READERS[FilterVerdict].read(values)) == expected(FilterVerdict, values)


TIMES = (
    *ODD_TIMES,
    *("2026-06-12T10:41:50Z", "2026-06-12T10:41:50.5+00:00", "2024-02-29T23:59:59Z", "1969-12-31T23:59:59.999999Z"),
    *("2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z"),
    *("2026-06-12T10:41:50.Z", " 2026-06-12T10:41:50Z", "2026-06-12T10:41:50Z ", "2026-06-12T10:41:50Z\n"),
    *("2099-12-31T23:59:59.999999Z", "2106-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "2026-06-12T10:41:61Z"),
)


@pytest.mark.parametrize("at", TIMES)
def test_an_odd_time_is_judged_by_the_decoder(at: str) -> None:
    values = [record(), record(at=at), record()]
    assert told(READERS[FilterVerdict].read(values)) == expected(FilterVerdict, values)


TEXTS = (*ODD_TEXTS, "null", "NaN", "\u2028", "ö" * 128, "ö" * 129, "\U0001f600" * 128, " a", "a ", "a\tb", "a\r\nb")


@pytest.mark.parametrize("field", ["event_id", "tenant", "subject", "session", "language", "item", "model", "stage"])
@pytest.mark.parametrize("text", TEXTS)
def test_an_odd_text_is_judged_by_the_decoder(field: str, text: str) -> None:
    values = [record(), record(**{field: text}), record(event_id="last")]
    assert told(READERS[FilterVerdict].read(values)) == expected(FilterVerdict, values)


NUMBERS = (
    *(b"-0", b"-0.0", b"0.0", b"1.0", b"1e0", b"10E-1", b"01", b"+1", b"1.", b".5", b"-1", b"4", b"128", b"1,2"),
    *(
        b"NaN",
        b"-Infinity",
        b"Infinity",
        b"1e999",
        b"1e-999",
        b"4.9e-324",
        b"0.99999999999999999",
        b"1.0000000000000001",
    ),
    *(b"9223372036854775808", b"0.1000000000000000055511151231257827", b"true", b"null", b'"1"', b"[]", b"{}", b"[1]"),
)
FIELDS = ("v", "severity", "choice", "score", "partial", "prompt_shingles", "links", "modality")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("form", [b"%s", b"[%s]", b" %s\t"])
def test_an_odd_number_is_judged_by_the_decoder(field: str, number: bytes, form: bytes) -> None:
    odd = record(**{field: 77}).replace(b"77", form % number)
    values = [record(event_id="first"), odd, record(event_id="last")]
    assert told(READERS[FilterVerdict].read(values)) == expected(FilterVerdict, values)


@pytest.mark.parametrize(
    "odd",
    [
        [b""],
        [b"{"],
        [b"}"],
        [b"{}"],
        [b"null"],
        [record()[:-1], record()[-1:]],
        [record() + record(), b""],
        [record() + record(), b" "],
        [record() + b"," + record(), record()],
        [record()[:-1] + b",", b'"item":"a"}' + record()],
        [record()[:-1] + b"}{", record()],
        [record() + b"\0", record()],
        [record() + b"\0}", record()],
        [record().replace(b", ", b",\n")],
        [record().replace(b", ", b",\r")],
        [b" " + record()],
        [record() + b"\n"],
        [b"\xef\xbb\xbf" + record()],
        [record(model="a").replace(b'"a"', b'"\xff"')],
        [record(model="a").replace(b'"a"', b'"\xed\xa0\x80"')],
        [record(model="a").replace(b'"a"', b'"\\ud800"')],
        [record(model="a").replace(b'"a"', b'"a\\/b"')],
        [record(model="a").replace(b'"a"', b'"\\udc00"')],
        [record(model="a").replace(b'"a"', b'"\\udc00\\ud800"')],
        [record(model="a").replace(b'"a"', b'"\\ud83d\\ude00"')],
        [record(model="a").replace(b'"a"', b'"\\u007c"')],
        [record(model="a").replace(b'"a"', b'"\\u0000"')],
        [record(model="a").replace(b'"a"', b'"a\\n{"')],
        [record(model="a").replace(b'"model"', b'"\\u006dodel"')],
        [record(model="a").replace(b'"model"', b'"model":"b","\\u006dodel"')],
        [record(item="a").replace(b'"a"', b'"\\u0061\\u000a"')],
        [record(links=["a"]).replace(b'"a"', b'"\\ud800"')],
        [record(from_a_newer_writer={"any": [1]})],
        [record() + b" " * RECORD_LIMIT],
        [record(links=["device:" + "0" * 16] * 9)],
        [record(links=["device:" + "0" * 16, None])],
        [record(prompt_shingles=[1] * 257)],
        [record(prompt_shingles=[2**32])],
        [b'{"x":' + b"[" * 100_000],
        [b'{"links":' + b"[" * 100_000],
    ],
)
@pytest.mark.parametrize("around", [0, 1, 20])
def test_one_odd_record_changes_nothing_for_its_neighbours(odd: list[bytes], around: int) -> None:
    good = [record(event_id=f"r-{number}", severity=number % 4) for number in range(around)]
    values = [*good, *odd, *good]
    assert told(READERS[FilterVerdict].read(values)) == expected(FilterVerdict, values)


FULL = {"session": "k1." + "b" * 26, "links": ["device:" + "0" * 16], "prompt_shingles": [1, 2**32 - 1], "item": "i",
    "severity": 3, "score": 0.25, "choice": 0, "release": "é", "modality": "vision", "partial": True}  # fmt: skip


def test_plain_records_need_no_decoder() -> None:
    bare = {
        name: json.loads(record())[name] for name, field in FilterVerdict.model_fields.items() if field.is_required()
    }
    values = [record(), record(**FULL), json.dumps(bare).encode()]
    assert is_plain(FilterVerdict, values)
    assert told(READERS[FilterVerdict].read(values)) == expected(FilterVerdict, values)


@pytest.mark.parametrize("name", sorted(FULL))
@pytest.mark.parametrize("size", [9, 200])
def test_a_field_may_be_said_by_any_of_the_records(name: str, size: int) -> None:
    for place in (0, 3, size - 1):
        values = [record(event_id=f"r-{number}") for number in range(size)]
        values[place] = record(**{name: FULL[name]})
        assert is_plain(FilterVerdict, values)
        assert told(READERS[FilterVerdict].read(values)) == expected(FilterVerdict, values)
        values[-2] = record(model="a|b")
        assert told(READERS[FilterVerdict].read(values)) == expected(FilterVerdict, values)


def test_an_explicit_null_is_not_an_absent_default() -> None:
    for name in ("links", "partial", "modality", "item"):
        values = [record(), record(**{name: None})]
        assert told(READERS[FilterVerdict].read(values)) == expected(FilterVerdict, values)


def test_many_distinct_labels_are_each_looked_at() -> None:
    values = [record(model=f"m-{number}") for number in range(600)]
    assert is_plain(FilterVerdict, values)
    assert not is_plain(FilterVerdict, [*values, record(model="m" * 129)])


def test_texts_that_repeat_are_sent_once_over_all_pieces() -> None:
    values = [record(model=f"m-{number % 3}") for number in range(50)] + [b"{"] + [record(release="r")] * 9
    content = READERS[FilterVerdict].read(values).content
    assert sorted(content["model"].chunk(0).dictionary.to_pylist()) == ["gpt-4.1", "m-0", "m-1", "m-2"]
    assert sorted(content["release"].chunk(0).dictionary.to_pylist()) == ["", "r"]
    assert content["model"].num_chunks == 1


def test_nothing_readable_gives_no_columns() -> None:
    for values in ([], [b"{"] * 5):
        facts = READERS[FilterVerdict].read(values)
        assert (facts.content.column_names, len(facts.micros), len(facts.hashes), len(facts.places)) == ([], 0, 0, 0)


def test_columns_have_the_types_of_their_table() -> None:
    request = {**json.loads(record()), "outcome": "failed", "latency_ms": 1, "http_status": 429}
    kept = {name: value for name, value in request.items() if name in RequestLog.model_fields}
    for values in ([json.dumps(kept).encode()], [json.dumps(kept).encode()] * 2):
        schema = READERS[RequestLog].read(values).content.schema
        assert schema.field("latency_ms").type == pa.float64()
        assert schema.field("http_status").type == pa.int64()
        assert schema.field("event_id").type == pa.string()
        assert schema.field("outcome").type == pa.dictionary(pa.int32(), pa.string())


def test_reasons_are_from_the_list() -> None:
    base = {name: value for name, value in json.loads(record()).items() if name in UserFeedback.model_fields}
    for reasons in (["harmful", "other"], ["rude"], ["other"] * 5):
        values = [json.dumps({**base, "reasons": chosen}).encode() for chosen in (["inaccurate"], reasons)]
        assert told(READERS[UserFeedback].read(values)) == expected(UserFeedback, values)


class Loose(Event):
    depth: int = 0


def test_a_kind_of_field_without_a_known_column_stops_the_build() -> None:
    with pytest.raises(TypeError, match="no column is known"):
        event_fields(Loose, VARIED)
