"""Listing what was fetched gives and leaves what aiokafka's own loop does."""

from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from broker.group import _Fetched

PARTITION = TopicPartition("verdicts", 3)


class Place:
    """Stands for the consumer's position in the partition."""

    paused = False

    def __init__(self, position: int) -> None:
        self.position = position

    def consumed_to(self, position: int) -> None:
        self.position = position


class Assigned:
    """Stands for an assignment of one partition."""

    active = True

    def __init__(self, position: int) -> None:
        self.place = Place(position)

    def state_value(self, _partition: TopicPartition) -> Place:
        return self.place


def batch(first: int, offsets: list[int]) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, 0, producer_id=-1, producer_epoch=-1, base_sequence=0, batch_size=1 << 20)
    for offset in offsets:
        value = None if offset % 5 == 0 else b"v%d" % offset
        builder.append(offset, 1_000 + offset, b"k%d" % offset, value, [])
    made = bytearray(builder.build())
    made[:8] = first.to_bytes(8, "big")
    return bytes(made)


def fetched(log: bytes, position: int) -> FetchResult:
    records = PartitionRecords(PARTITION, MemoryRecords(log), [], position, None, None, True, 1)
    return FetchResult(PARTITION, assignment=Assigned(position), partition_records=records, backoff=0)


def told(record: Any) -> tuple[Any, ...]:
    return record.offset, record.timestamp, record.key, record.value


def drained(found: FetchResult, most: int | None) -> list[Any]:
    """Every call's records, where each of them left the position, and whether there was more."""
    steps = []
    while found.has_more():
        records = found.getall(most)
        steps.append((list(map(told, records)), found._assignment.place.position, found.has_more()))
    return steps


@given(
    sizes=st.lists(st.lists(st.booleans(), min_size=1, max_size=12), min_size=1, max_size=4),
    position=st.integers(0, 20),
    most=st.one_of(st.none(), st.integers(1, 15)),
)
def test_as_aiokafka_lists_them(sizes: list[list[bool]], position: int, most: int | None) -> None:
    log, first = b"", 0
    for kept in sizes:
        offsets = [number for number, one in enumerate(kept) if one] or [0]  # a compacted log has holes
        log += batch(first, offsets)
        first += len(kept)
    plain, listed = fetched(log, position), fetched(log, position)
    kept_as = _Fetched()
    kept_as[PARTITION] = listed
    assert drained(kept_as[PARTITION], most) == drained(plain, most)


def test_a_corrupt_batch_is_raised_and_moves_no_position() -> None:
    log = bytearray(batch(0, [0, 1, 2]))
    log[-1] ^= 1
    found = fetched(bytes(log), 0)
    _Fetched()[PARTITION] = found
    with pytest.raises(CorruptRecordException):
        found.getall(10)
    assert found._assignment.place.position == 0


def test_nothing_is_listed_when_the_position_has_moved() -> None:
    found = fetched(batch(0, [0, 1, 2]), 0)
    _Fetched()[PARTITION] = found
    found._assignment.place.position = 2
    assert (found.getall(10), found.has_more()) == ([], False)
