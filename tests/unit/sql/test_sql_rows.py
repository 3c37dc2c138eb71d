"""Records become rows with the columns of their table; what does not follow the contract is counted, never raised."""

import json
from datetime import timedelta

import numpy as np
import pytest
from sql_facts import ALICE, NOON, feedback, raw, records, request, verdict

from alerts.ledger import LedgerEntry
from alerts.signal import FourNumbers, Signal, Statistic
from events import ProviderNotice
from events.seen import event_hash
from sql.rows import read_rows
from sql.shapes import shapes

FIVE_MINUTES = 300_000
SHAPES = shapes()


def content(topic: str, value: bytes) -> dict[str, object]:
    """The columns of the one row that a record becomes; those that say nothing are missing."""
    rows = read_rows(SHAPES[topic], [raw(value, 0)], future_ms=FIVE_MINUTES)
    assert not rows.invalid
    (found,) = rows.table(epoch=3, partition=1, stored_at=NOON).to_pylist()
    return found


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
    said = {name: value for name, value in dict(event).items() if value not in (None, ())}
    del said["v"]
    assert {name: found[name] for name in said} == {
        name: list(value) if isinstance(value, tuple) else value for name, value in said.items()
    }
    assert set(found) - set(said) == {"epoch", "partition", "offset", "event_hash", "stored_at"}


def test_a_row_carries_offset_minute_hash_and_place() -> None:
    event = verdict("r1:prompt:hate", NOON + timedelta(seconds=61, microseconds=1_999))
    rows = read_rows(SHAPES["filter-verdicts"], records([event], first=41), future_ms=2)
    assert rows.offsets.tolist() == [41]
    assert rows.minutes.tolist() == [int(NOON.timestamp()) // 60 + 1]
    assert rows.hashes.tolist() == [event_hash("contoso", "r1:prompt:hate")]
    (line,) = rows.table(epoch=3, partition=1, stored_at=NOON).to_pylist()
    assert (line["epoch"], line["partition"], line["offset"], line["stored_at"]) == (3, 1, 41, NOON)
    assert line["at"] == NOON + timedelta(seconds=61, microseconds=1_000), "stored to the millisecond, cut"


def test_only_the_wanted_rows_are_kept() -> None:
    sent = [verdict("r1:prompt:hate", severity=1), verdict("r2:prompt:hate"), verdict("r3:prompt:hate", severity=3)]
    rows = read_rows(SHAPES["filter-verdicts"], records(sent), future_ms=0)
    found = rows.only(np.array([True, False, True])).table(epoch=1, partition=0, stored_at=NOON).to_pylist()
    assert [(line["event_id"], line["severity"], line["offset"]) for line in found] == [
        ("r1:prompt:hate", 1, 0),
        ("r3:prompt:hate", 3, 2),
    ]
    assert rows.only(np.array([True] * 3)) is rows


def test_good_records_keep_their_places_among_bad_ones() -> None:
    good = records([verdict(f"r{number}:prompt:hate") for number in range(3)])
    mixed = [good[0], raw(b"{", 1), good[1]._replace(offset=2), raw(None, 3), good[2]._replace(offset=9)]
    rows = read_rows(SHAPES["filter-verdicts"], mixed, future_ms=0)
    assert rows.invalid == 2
    names = rows.content["event_id"].to_pylist()
    assert list(zip(names, rows.offsets.tolist(), strict=True)) == [
        ("r0:prompt:hate", 0),
        ("r1:prompt:hate", 2),
        ("r2:prompt:hate", 9),
    ]


@pytest.mark.parametrize(
    "value",
    [None, b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"v":2}', b'{"tenant":"contoso"}', b"\x00" * 50],
)
@pytest.mark.parametrize("topic", sorted(SHAPES))
def test_a_broken_record_is_counted(topic: str, value: bytes | None) -> None:
    rows = read_rows(SHAPES[topic], [raw(value, 0)], future_ms=FIVE_MINUTES)
    assert (rows.invalid, len(rows)) == (1, 0)


def test_an_event_beyond_the_brokers_clock_is_invalid() -> None:
    event = verdict("r1:prompt:hate", NOON + timedelta(minutes=5, milliseconds=1))
    late = [one._replace(timestamp=int(NOON.timestamp() * 1000)) for one in records([event])]
    assert read_rows(SHAPES["filter-verdicts"], late, future_ms=FIVE_MINUTES).invalid == 1
    assert read_rows(SHAPES["filter-verdicts"], late, future_ms=FIVE_MINUTES + 1).invalid == 0


@pytest.mark.parametrize("year", [1, 1969, 2106, 9999])
def test_an_event_outside_clickhouses_calendar_is_invalid(year: int) -> None:
    value = records([verdict("r1:prompt:hate")])[0].value or b""
    moved = value.replace(b"2026-03-02", b"%04d-03-02" % year)
    far = raw(moved, 0)._replace(timestamp=10**15)
    assert read_rows(SHAPES["filter-verdicts"], [far], future_ms=0).invalid == 1


def test_a_signal_keeps_its_numbers() -> None:
    signal = Signal(
        id="sig_1", detector="repeat_offender", tenant="contoso", key=f"contoso|{ALICE}", subject=ALICE, level="block",
        at=NOON, statistic=Statistic(name="P", value=0.99, threshold=0.95), policy_version="p1", words="w",
        evidence=("e1",), numbers=FourNumbers(count=3, requests=9, share=1 / 3, gravity=2.0, intent=0.5),
    )  # fmt: skip
    found = content("signals", signal.model_dump_json().encode())
    assert (found["statistic_value"], found["count"], found["evidence"]) == (0.99, 3, ["e1"])
    assert "expected" not in found


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
    assert "raw" not in found


def test_a_dead_letter_with_a_strange_time_is_still_kept() -> None:
    letter = {"topic": "t", "partition": 0, "offset": 0, "timestamp": -5}
    assert content("dead-letters", json.dumps(letter).encode())["source_topic"] == "t"
