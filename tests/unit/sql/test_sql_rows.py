"""Records become rows with the columns of their table; what does not follow the contract is counted, never raised."""

import json
from datetime import timedelta

import pytest
from sql_facts import ALICE, NOON, feedback, raw, records, request, verdict

from alerts.ledger import LedgerEntry
from alerts.signal import FourNumbers, Signal, Statistic
from events import ProviderNotice
from events.seen import event_hash
from sql.rows import PLACE, read_rows, shapes

FIVE_MINUTES = 300_000
SHAPES = shapes()


def content(topic: str, value: bytes) -> dict[str, object]:
    shape = SHAPES[topic]
    rows = read_rows(shape, [raw(value, 0)], future_ms=FIVE_MINUTES)
    assert not rows.invalid
    return dict(zip(shape.columns, rows.contents[0], strict=True))


@pytest.mark.parametrize(
    ("topic", "event"),
    [
        ("filter-verdicts", verdict("r1:prompt:hate", severity=2, state="blocked")),
        ("request-logs", request("r1:log", prompt_tokens=3, latency_ms=1.5)),
        ("user-feedback", feedback("r1:f", thumb="down", reasons=("harmful",))),
        (
            "provider-notices",
            ProviderNotice(event_id="n1", at=NOON, tenant="contoso", subject=ALICE, provider="openai", kind="warning"),
        ),
    ],
)
def test_an_event_has_every_field_of_its_model_as_a_column(topic: str, event: object) -> None:
    found = content(topic, event.model_dump_json(exclude_none=True).encode())
    expected = dict(event)
    del expected["v"]
    assert found == expected


def test_a_row_carries_offset_minute_and_hash() -> None:
    event = verdict("r1:prompt:hate", NOON + timedelta(seconds=61))
    rows = read_rows(SHAPES["filter-verdicts"], records([event], first=41), future_ms=0)
    assert rows.offsets == [41]
    assert rows.minutes == [int(NOON.timestamp()) // 60 + 1]
    assert rows.hashes == [event_hash("contoso", "r1:prompt:hate")]
    lines = list(rows.lines([True], (3, 1), NOON))
    assert dict(zip(SHAPES["filter-verdicts"].columns + PLACE, lines[0], strict=True))["partition"] == 1
    assert list(rows.lines([False], (3, 1), NOON)) == []


@pytest.mark.parametrize(
    "value",
    [None, b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"v":2}', b'{"tenant":"contoso"}', b"\x00" * 50],
)
@pytest.mark.parametrize("topic", sorted(SHAPES))
def test_a_broken_record_is_counted(topic: str, value: bytes | None) -> None:
    rows = read_rows(SHAPES[topic], [raw(value, 0)], future_ms=FIVE_MINUTES)
    assert (rows.invalid, rows.contents) == (1, [])


def test_an_event_beyond_the_brokers_clock_is_invalid() -> None:
    event = verdict("r1:prompt:hate", NOON + timedelta(minutes=5, milliseconds=1))
    late = [one._replace(timestamp_ms=int(NOON.timestamp() * 1000)) for one in records([event])]
    assert read_rows(SHAPES["filter-verdicts"], late, future_ms=FIVE_MINUTES).invalid == 1
    assert read_rows(SHAPES["filter-verdicts"], late, future_ms=FIVE_MINUTES + 1).invalid == 0


@pytest.mark.parametrize("year", [1, 1969, 2106, 9999])
def test_an_event_outside_clickhouses_calendar_is_invalid(year: int) -> None:
    value = records([verdict("r1:prompt:hate")])[0].value or b""
    moved = value.replace(b"2026-03-02", b"%04d-03-02" % year)
    far = raw(moved, 0)._replace(timestamp_ms=10**15)
    assert read_rows(SHAPES["filter-verdicts"], [far], future_ms=0).invalid == 1


def test_a_signal_keeps_its_numbers() -> None:
    signal = Signal(
        id="sig_1", detector="repeat_offender", tenant="contoso", key=f"contoso|{ALICE}", subject=ALICE, level="block",
        at=NOON, statistic=Statistic(name="P", value=0.99, threshold=0.95), policy_version="p1", words="w",
        evidence=("e1",), numbers=FourNumbers(count=3, requests=9, share=1 / 3, gravity=2.0, intent=0.5),
    )  # fmt: skip
    found = content("signals", signal.model_dump_json().encode())
    assert (found["statistic_value"], found["count"], found["evidence"]) == (0.99, 3, ("e1",))
    assert found["expected"] is None


def test_a_ledger_entry_keeps_its_detail_as_json() -> None:
    entry = LedgerEntry(
        id="led_1", kind="decision", tenant="contoso", key=f"contoso|{ALICE}", at=NOON, actor="watchfloor",
        about="dec_1", words="w", detail={"measure": "warn"},
    )  # fmt: skip
    assert json.loads(str(content("ledger", entry.model_dump_json().encode())["detail"])) == {"measure": "warn"}


def test_a_dead_letter_is_kept_by_its_place() -> None:
    letter = {"topic": "filter-verdicts", "partition": 2, "offset": 9, "kind": "invalid", "reason": "at: missing",
              "timestamp": 1_000}  # fmt: skip
    found = content("dead-letters", json.dumps(letter).encode())
    assert (found["source_topic"], found["source_partition"], found["source_offset"]) == ("filter-verdicts", 2, 9)
    assert found["raw"] is None


def test_a_dead_letter_with_a_strange_time_is_still_kept() -> None:
    letter = {"topic": "t", "partition": 0, "offset": 0, "timestamp": -5}
    assert content("dead-letters", json.dumps(letter).encode())["source_topic"] == "t"
