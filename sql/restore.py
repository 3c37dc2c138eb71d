"""What a lost log is rebuilt from: the latest record of every compacted topic, and the epochs. It writes no Kafka."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from events.topics import APPEALS, ENFORCEMENTS, INCIDENTS, TOPICS
from sql.batch import Record
from sql.batches import Lane
from sql.statement import statement
from sql.store import Store

STATE_TABLE = "state_records"
_OFFSET_BITS = 40
_PER_PARTITION = frozenset(topic.name for topic in TOPICS if topic.key_per_partition)


class StateRecord(NamedTuple):
    """The latest record of one key; deleted keys have none."""

    topic: str
    key: bytes
    value: bytes
    partition: int


def state_columns(lane: Lane, records: list[Record], *, stored_at: datetime) -> dict[str, list[object]]:
    """The columns of `state_records` for records that all have a key."""
    size = len(records)
    return {
        "topic": [lane.topic] * size,
        "key": [_stored_key(lane, record.key or b"") for record in records],
        "tenant": [_tenant(lane.topic, record) for record in records],
        "value": [record.value or b"" for record in records],
        "deleted": [record.value is None for record in records],
        "partition": [lane.partition] * size,
        "offset": [record.offset for record in records],
        "epoch": [lane.epoch] * size,
        "version": [(lane.epoch << _OFFSET_BITS) + record.offset for record in records],
        "stored_at": [stored_at] * size,
    }


def latest_state(store: Store) -> Iterator[StateRecord]:
    """The latest record per key of all compacted topics, by topic and key; keys that were deleted are left out."""
    for topic, key, value, partition in store.query_bytes(statement("latest_state")).rows:
        name = topic.decode() if isinstance(topic, bytes) else topic
        yield StateRecord(name, _own_key(name, key, partition), value, partition)


def current_epoch(store: Store) -> int:
    """The life of the log that rows are stored under; 0 before the first was begun."""
    return int(store.query("SELECT max(epoch) FROM epochs").rows[0][0])


def begin_epoch(store: Store, *, now: datetime) -> int:
    """Begin a new life of the log, in which offsets start again at 0; returns its number, from 1."""
    epoch = current_epoch(store) + 1
    store.insert_rows("epochs", ("epoch", "begun_at"), rows=[(epoch, now)])
    return epoch


def _stored_key(lane: Lane, key: bytes) -> bytes:
    """Keys that are unique within a partition only carry its number, so that partitions do not replace each other."""
    return b"%d|%b" % (lane.partition, key) if lane.topic in _PER_PARTITION else key


def _own_key(topic: str, key: bytes, partition: int) -> bytes:
    return key.removeprefix(b"%d|" % partition) if topic in _PER_PARTITION else key


def _tenant(topic: str, record: Record) -> str:
    if topic in {ENFORCEMENTS.name, APPEALS.name}:
        return (record.key or b"").partition(b"|")[0].decode("utf-8", "replace")
    if topic == INCIDENTS.name and record.value:
        return _tenant_within(record.value)
    return ""


def _tenant_within(value: bytes) -> str:
    try:
        tenant = json.loads(value)["tenant"]
    except (ValueError, TypeError, KeyError):
        return ""
    return tenant if isinstance(tenant, str) else ""
