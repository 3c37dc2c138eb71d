"""How each topic is read and which columns its facts have; the tables themselves are in the migrations."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from alerts.ledger import LedgerEntry
from alerts.shadow import ShadowEntry
from alerts.signal import Signal
from events.event import Event
from events.seen import event_hash
from events.topics import DEAD_LETTERS, EVENT_TOPICS, FILTER_VERDICTS, LEDGER, REQUEST_LOGS, SHADOW_LEDGER, SIGNALS
from sql.columns import microseconds, plain_columns
from sql.reading import EventReader
from sql.rows import END_OF_TIME, Facts, Shape

Content = tuple[object, ...]

_ROLLED = frozenset({REQUEST_LOGS.name, FILTER_VERDICTS.name})

_VARIED = frozenset({
    "event_id", "subject", "session", "api_key", "request_id", "prompt_hash", "prompt_shingles", "links", "score",
    "item", "prompt_tokens", "completion_tokens", "latency_ms", "reasons",
})  # fmt: skip
"""Fields that differ from event to event; the others describe where it came from and repeat."""


def _event_shape(topic: str, model: type[Event]) -> Shape:
    return Shape(topic, topic.replace("-", "_"), EventReader(model, varied=_VARIED).read, topic in _ROLLED)


def _shape(
    topic: str,
    names: Sequence[str],
    read: Callable[[bytes], Any],
    *,
    content: Callable[[Any], Content],
    identity: Callable[[Any], tuple[str, str]],
) -> Shape:
    """For topics of little traffic: each record is read on its own, and each fact becomes one row."""

    def read_all(values: Sequence[bytes]) -> Facts:
        found = [_or_error(read, value) for value in values]
        places = [place for place, fact in enumerate(found) if not isinstance(fact, Exception)]
        facts = [found[place] for place in places]
        said = plain_columns(names, zip(*map(content, facts), strict=True)) if facts else {}
        hashes = np.array([event_hash(*identity(fact)) for fact in facts], np.uint64)
        return Facts(pa.table(dict(said)), microseconds([fact.at for fact in facts]), hashes, np.array(places, np.intp))

    return Shape(topic, topic.replace("-", "_"), read_all)


def _or_error(read: Callable[[bytes], Any], value: bytes) -> Any:
    try:
        return read(value)
    except (ValidationError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        return error


_SIGNAL = (
    "id", "tenant", "key", "subject", "scope", "detector", "level", "policy_version", "words",
    "categories", "stages", "filters", "evidence", "statistic_name", "statistic_value", "statistic_threshold",
    "count", "requests", "share", "gravity", "intent", "expected", "seen", "since",
    "multiplier", "multiplier_low", "multiplier_high", "attribution",
)  # fmt: skip
_signal_content = attrgetter(*_SIGNAL[:13])


def _signal(signal: Signal) -> Content:
    statistic = signal.statistic
    return (
        *_signal_content(signal),
        *(statistic.name, statistic.value, statistic.threshold),
        *_or_none(signal.numbers, "count", "requests", "share", "gravity", "intent"),
        *_or_none(signal.expectation, "expected", "seen", "since"),
        *_or_none(signal.multiplier, "median", "low", "high"),
        signal.attribution.model_dump_json() if signal.attribution else "",
    )


_own_id = attrgetter("tenant", "id")


def _shadow_id(entry: ShadowEntry) -> tuple[str, str]:
    return entry.tenant, f"{entry.shadow}|{entry.id}"


def _or_none(record: object, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(record, name, None) for name in names)


_ENTRY = ("id", "tenant", "key", "kind", "actor", "about", "command_id", "words", "detail")
_entry_content = attrgetter(*_ENTRY[:-1])


def _entry(entry: LedgerEntry) -> Content:
    return (*_entry_content(entry), msgspec.json.encode(entry.detail).decode())


_SHADOW_ENTRY = ("shadow", *_ENTRY)


def _shadow_entry(entry: ShadowEntry) -> Content:
    return (entry.shadow, *_entry_content(entry), msgspec.json.encode(entry.detail).decode())


_LETTER = ("source_topic", "source_partition", "source_offset", "kind", "reason", "key", "raw")


class _Letter(msgspec.Struct):
    topic: str
    partition: int
    offset: int
    timestamp: int
    kind: str = ""
    reason: str = ""
    key: str | None = None
    raw: str | None = None

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(min(max(self.timestamp / 1000, 0), END_OF_TIME - 1), UTC)


_letter = attrgetter("topic", "partition", "offset", "kind", "reason", "key", "raw")


def _letter_id(letter: _Letter) -> tuple[str, str]:
    return letter.topic, f"{letter.partition}:{letter.offset}:{letter.timestamp}"


def shapes() -> dict[str, Shape]:
    """Topic → shape, for every topic that is archived record by record; compacted topics are not among them."""
    events = (_event_shape(topic.name, model) for topic, model in EVENT_TOPICS)
    signal, entry, shadow = (model.model_validate_json for model in (Signal, LedgerEntry, ShadowEntry))
    letter = msgspec.json.Decoder(_Letter).decode
    internal = (
        _shape(SIGNALS.name, _SIGNAL, signal, content=_signal, identity=_own_id),
        _shape(LEDGER.name, _ENTRY, entry, content=_entry, identity=_own_id),
        _shape(SHADOW_LEDGER.name, _SHADOW_ENTRY, shadow, content=_shadow_entry, identity=_shadow_id),
        _shape(DEAD_LETTERS.name, _LETTER, letter, content=_letter, identity=_letter_id),
    )
    return {shape.topic: shape for shape in (*events, *internal)}
