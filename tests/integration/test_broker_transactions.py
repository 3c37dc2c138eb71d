"""Transactions on Apache Kafka: records and offsets together or not at all, and one owner at a time."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError
from aiokafka.structs import OffsetAndMetadata

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.errors import Fenced, SendFailed, TransactionsUnsupported
from broker.topics import ensure_topics
from broker.view import TopicTail, read_all
from events.topics import DECIDE_STATE, FILTER_VERDICTS, LEDGER

pytestmark = pytest.mark.kafka
ALL = range(4)
TOO_LARGE = Outgoing(LEDGER.name, b"k", random.Random(1).randbytes(2_000_000), partition=1)


@pytest.fixture
async def kafka(apache: KafkaSettings) -> KafkaSettings:
    await ensure_topics(apache, [DECIDE_STATE, FILTER_VERDICTS, LEDGER])
    return apache


@pytest.fixture
async def owner(kafka: KafkaSettings) -> AsyncIterator[BulkProducer]:
    owner = BulkProducer(kafka, f"{kafka.topic_prefix}decide-0")
    await owner.start()
    yield owner
    await owner.stop()


async def successor_of(kafka: KafkaSettings) -> BulkProducer:
    """Starts only when what its predecessor committed is readable, and what it left open is aborted."""
    successor = BulkProducer(kafka, f"{kafka.topic_prefix}decide-0")
    await successor.start()
    return successor


async def committed(kafka: KafkaSettings, group: str) -> dict[tuple[str, int], int]:
    admin = AIOKafkaAdminClient(**kafka.options())
    await admin.start()
    try:
        async with asyncio.timeout(30):
            offsets = await _offsets(admin, group)
    finally:
        await admin.close()
    return {(partition.topic, partition.partition): found.offset for partition, found in offsets.items()}


async def _offsets(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
    """A fresh broker makes its coordinator when it is first asked for."""
    while True:
        try:
            return await admin.list_consumer_group_offsets(group)
        except (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
            await asyncio.sleep(0.1)


async def values(kafka: KafkaSettings, topic: str) -> list[bytes | None]:
    return [record.value async for record in read_all(kafka, topic, ALL)]


async def test_records_and_offsets_are_committed_together(kafka: KafkaSettings, owner: BulkProducer) -> None:
    source = (kafka.wire_name(FILTER_VERDICTS), 0)
    records = [Outgoing(DECIDE_STATE.name, b"k%d" % n, b"s", partition=0) for n in range(5000)]
    await owner.commit([*records, Outgoing(LEDGER.name, None, b"entry")], {source: 77}, f"{kafka.topic_prefix}g")
    await owner.commit([], {source: 78}, f"{kafka.topic_prefix}g")
    await (await successor_of(kafka)).stop()
    assert len(await values(kafka, DECIDE_STATE.name)) == 5000
    assert await values(kafka, LEDGER.name) == [b"entry"]
    assert await committed(kafka, f"{kafka.topic_prefix}g") == {source: 78}


async def test_many_transactions_end_with_their_markers_and_are_read_to_the_end(
    kafka: KafkaSettings, owner: BulkProducer
) -> None:
    for n in range(30):
        await owner.send([Outgoing(DECIDE_STATE.name, b"k", b"%d" % n, partition=2)])
    await (await successor_of(kafka)).stop()
    async with asyncio.timeout(5):
        assert await values(kafka, DECIDE_STATE.name) == [b"%d" % n for n in range(30)]


async def test_a_predecessor_is_fenced_and_writes_nothing_more(kafka: KafkaSettings, owner: BulkProducer) -> None:
    source = (kafka.wire_name(FILTER_VERDICTS), 0)
    group = f"{kafka.topic_prefix}g"
    await owner.commit([Outgoing(DECIDE_STATE.name, b"k", b"first")], {source: 1}, group)
    successor = await successor_of(kafka)
    await successor.commit([Outgoing(DECIDE_STATE.name, b"k", b"second")], {source: 2}, group)
    for _ in range(2):
        with pytest.raises(Fenced, match="decide-0"):
            await owner.commit([Outgoing(DECIDE_STATE.name, b"k", b"stale")], {source: 1}, group)
    with pytest.raises(Fenced):
        await owner.commit([], {source: 1}, group)
    await successor.stop()
    await (await successor_of(kafka)).stop()
    assert await values(kafka, DECIDE_STATE.name) == [b"first", b"second"]
    assert await committed(kafka, group) == {source: 2}


async def test_one_refused_record_takes_the_whole_transaction_back(kafka: KafkaSettings, owner: BulkProducer) -> None:
    source = (kafka.wire_name(FILTER_VERDICTS), 0)
    small = Outgoing(LEDGER.name, b"k", b"small", partition=0)
    with pytest.raises(SendFailed, match="MessageSizeTooLarge"):
        await owner.commit([small, TOO_LARGE], {source: 5}, "taken-back")
    with pytest.raises(SendFailed):
        await owner.send([small])
    successor = await successor_of(kafka)
    await successor.send([Outgoing(LEDGER.name, b"k", b"after", partition=1)])
    await successor.stop()
    await (await successor_of(kafka)).stop()
    assert await values(kafka, LEDGER.name) == [b"after"]
    assert await committed(kafka, "taken-back") == {}


async def test_without_a_transaction_a_refused_record_does_not_stop_the_next(kafka: KafkaSettings) -> None:
    producer = BulkProducer(kafka)
    await producer.start()
    for n in range(3):
        with pytest.raises(SendFailed, match="MessageSizeTooLarge"):
            await producer.send([TOO_LARGE])
        await producer.send([Outgoing(LEDGER.name, b"k", b"after %d" % n, partition=1)])
    await producer.stop()
    assert await values(kafka, LEDGER.name) == [b"after 0", b"after 1", b"after 2"]


async def test_a_time_far_in_the_future_is_refused_by_the_broker(kafka: KafkaSettings) -> None:
    producer = BulkProducer(kafka)
    await producer.start()
    with pytest.raises(SendFailed, match="InvalidTimestamp"):
        await producer.send([Outgoing(LEDGER.name, b"k", b"x", timestamp_ms=32_503_680_000_000)])
    await producer.stop()


async def test_what_a_crashed_owner_left_open_is_neither_read_nor_waited_for(kafka: KafkaSettings) -> None:
    crashed = AIOKafkaProducer(**kafka.options(), transactional_id=f"{kafka.topic_prefix}decide-0")
    await crashed.start()
    await crashed.begin_transaction()
    await crashed.send_and_wait(kafka.wire_name(DECIDE_STATE), b"never committed", key=b"k", partition=0)
    async with asyncio.timeout(5):
        assert await values(kafka, DECIDE_STATE.name) == []
    successor = await successor_of(kafka)
    await successor.send([Outgoing(DECIDE_STATE.name, b"k", b"mine", partition=0)])
    await successor.stop()
    await crashed.stop()
    await (await successor_of(kafka)).stop()
    assert await values(kafka, DECIDE_STATE.name) == [b"mine"]


async def test_a_tail_sees_a_transaction_after_its_commit_only(kafka: KafkaSettings, owner: BulkProducer) -> None:
    seen: list[bytes | None] = []
    tail = TopicTail(kafka, [LEDGER], lambda record: seen.append(record.value))
    await tail.start()
    await tail.caught_up.wait()
    with pytest.raises(SendFailed):
        await owner.send([Outgoing(LEDGER.name, b"k", b"aborted", partition=0), TOO_LARGE])
    successor = await successor_of(kafka)
    await successor.send([Outgoing(LEDGER.name, b"k", b"committed", partition=0)])
    await successor.stop()
    async with asyncio.timeout(10):
        while not seen:  # noqa: ASYNC110 — the tail has no event per record
            await asyncio.sleep(0.01)
    await tail.stop()
    assert seen == [b"committed"]


def test_the_embedded_broker_refuses_transactions() -> None:
    with pytest.raises(TransactionsUnsupported):
        BulkProducer(KafkaSettings(embedded=True), "decide-0")
