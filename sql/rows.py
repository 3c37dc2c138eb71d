"""Turns the records of a topic into rows of its table; it stores nothing and knows no duplicates."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import msgspec
from pydantic import ValidationError

from alerts.ledger import LedgerEntry
from alerts.shadow import ShadowEntry
from alerts.signal import Signal
from events.decoder import Decoder
from events.errors import InvalidRecord
from events.event import Event
from events.seen import event_hash
from events.topics import DEAD_LETTERS, EVENT_TOPICS, LEDGER, SHADOW_LEDGER, SIGNALS
from sql.batch import Record

Content = tuple[object, ...]
Read = Callable[[bytes], tuple[datetime, int, Content]]
"""Value → (time of the fact, hash of its id, the columns). Raises InvalidRecord, ValidationError or MsgspecError."""

PLACE = ("epoch", "partition", "offset", "event_hash", "stored_at")
"""Where a row came from: the last columns of every table that is archived record by record."""

_END_OF_TIME = 4_291_747_200
"""2106-01-01 in seconds: rollups count minutes in ClickHouse's 32-bit DateTime."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the records of one topic become rows of one table."""

    topic: str
    table: str
    columns: tuple[str, ...]
    read: Read
    rollups: bool = False
    """The table feeds rollups: a torn insert leaves the table right and the rollups short."""


@dataclass(slots=True)
class Rows:
    """The readable records of a batch, column by column of the archiver's own needs."""

    contents: list[Content] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    minutes: list[int] = field(default_factory=list)
    hashes: list[int] = field(default_factory=list)
    invalid: int = 0

    def lines(self, fresh: list[bool], place: tuple[int, int], stored_at: datetime) -> Iterator[Content]:
        """The rows that are `fresh`, with the columns of `PLACE`; `place` is (epoch, partition)."""
        rows = zip(fresh, self.contents, self.offsets, self.hashes, strict=True)
        return ((*content, *place, offset, hashed, stored_at) for new, content, offset, hashed in rows if new)


def read_rows(shape: Shape, records: list[Record], *, future_ms: int) -> Rows:
    """Read what can be read. Events later than the record's time plus `future_ms` are invalid."""
    rows, read = Rows(), shape.read
    for record in records:
        try:
            at, hashed, content = read(record.value or b"")
        except (InvalidRecord, ValidationError, msgspec.MsgspecError, UnicodeDecodeError):
            rows.invalid += 1
            continue
        seconds = at.timestamp()
        if not 0 <= seconds < _END_OF_TIME or seconds * 1000 > record.timestamp_ms + future_ms:
            rows.invalid += 1
            continue
        rows.contents.append(content)
        rows.offsets.append(record.offset)
        rows.minutes.append(int(seconds) // 60)
        rows.hashes.append(hashed)
    return rows


def _event(model: type[Event]) -> tuple[tuple[str, ...], Read]:
    columns = tuple(name for name in model.model_fields if name != "v")
    decode, content = Decoder(model).decode, attrgetter(*columns)

    def read(value: bytes) -> tuple[datetime, int, Content]:
        event = decode(value)
        return event.at, event_hash(event.tenant, event.event_id), content(event)

    return columns, read


_SIGNAL = (
    "id", "at", "tenant", "key", "subject", "scope", "detector", "level", "policy_version", "words",
    "categories", "stages", "filters", "evidence", "statistic_name", "statistic_value", "statistic_threshold",
    "count", "requests", "share", "gravity", "intent", "expected", "seen", "since",
    "multiplier", "multiplier_low", "multiplier_high", "attribution",
)  # fmt: skip
_signal_content = attrgetter(*_SIGNAL[:14])


def _signal(value: bytes) -> tuple[datetime, int, Content]:
    signal = Signal.model_validate_json(value)
    statistic, numbers, expectation = signal.statistic, signal.numbers, signal.expectation
    content = (
        *_signal_content(signal),
        *(statistic.name, statistic.value, statistic.threshold),
        *_or_none(numbers, "count", "requests", "share", "gravity", "intent"),
        *_or_none(expectation, "expected", "seen", "since"),
        *_or_none(signal.multiplier, "median", "low", "high"),
        signal.attribution.model_dump_json() if signal.attribution else "",
    )
    return signal.at, event_hash(signal.tenant, signal.id), content


def _or_none(record: object, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(record, name, None) for name in names)


_ENTRY = ("id", "at", "tenant", "key", "kind", "actor", "about", "command_id", "words", "detail")
_entry_content = attrgetter(*_ENTRY[:-1])


def _entry(value: bytes) -> tuple[datetime, int, Content]:
    entry = LedgerEntry.model_validate_json(value)
    detail = msgspec.json.encode(entry.detail).decode()
    return entry.at, event_hash(entry.tenant, entry.id), (*_entry_content(entry), detail)


_SHADOW_ENTRY = ("shadow", *_ENTRY)


def _shadow_entry(value: bytes) -> tuple[datetime, int, Content]:
    entry = ShadowEntry.model_validate_json(value)
    detail = msgspec.json.encode(entry.detail).decode()
    hashed = event_hash(entry.tenant, f"{entry.shadow}|{entry.id}")
    return entry.at, hashed, (entry.shadow, *_entry_content(entry), detail)


_LETTER = ("at", "source_topic", "source_partition", "source_offset", "kind", "reason", "key", "raw")


class _Letter(msgspec.Struct):
    topic: str
    partition: int
    offset: int
    timestamp: int
    kind: str = ""
    reason: str = ""
    key: str | None = None
    raw: str | None = None


def _letter(value: bytes) -> tuple[datetime, int, Content]:
    one = msgspec.json.decode(value, type=_Letter)
    at = datetime.fromtimestamp(min(max(one.timestamp / 1000, 0), _END_OF_TIME - 1), UTC)
    hashed = event_hash(one.topic, f"{one.partition}:{one.offset}:{one.timestamp}")
    return at, hashed, (at, one.topic, one.partition, one.offset, one.kind, one.reason, one.key, one.raw)


def shapes() -> dict[str, Shape]:
    """Topic → shape, for every topic that is archived record by record; compacted topics are not among them."""
    events = (Shape(topic.name, topic.name.replace("-", "_"), *_event(model), rollups=_rolled(topic.name))
              for topic, model in EVENT_TOPICS)  # fmt: skip
    internal = (
        Shape(SIGNALS.name, "signals", _SIGNAL, _signal),
        Shape(LEDGER.name, "ledger", _ENTRY, _entry),
        Shape(SHADOW_LEDGER.name, "shadow_ledger", _SHADOW_ENTRY, _shadow_entry),
        Shape(DEAD_LETTERS.name, "dead_letters", _LETTER, _letter),
    )
    return {shape.topic: shape for shape in (*events, *internal)}


def _rolled(topic: str) -> bool:
    return topic in {"request-logs", "filter-verdicts"}
