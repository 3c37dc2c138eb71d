"""What bulk sending, reading whole topics and tails promise, on the embedded broker and on Apache Kafka alike."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.errors import BrokerUnreachable, PartitionsDiffer
from broker.partitioner import partition_of
from broker.topics import ensure_topics
from broker.view import Record, TopicTail, read_all
from events.topics import BOOKS, ENFORCEMENTS, FILTER_VERDICTS, INCIDENTS, SIGNALS, TOPICS

ALL = range(4)


@pytest.fixture
async def producer(broker: KafkaSettings) -> AsyncIterator[BulkProducer]:
    await ensure_topics(broker, [BOOKS, ENFORCEMENTS, FILTER_VERDICTS, INCIDENTS, SIGNALS])
    producer = BulkProducer(broker)
    await producer.start()
    yield producer
    await producer.stop()


async def eventually(holds: Callable[[], bool], *, seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 — what is waited for has no event
            await asyncio.sleep(0.01)


def keyed(count: int, *, keys: int = 50, size: int = 20) -> list[Outgoing]:
    return [Outgoing(FILTER_VERDICTS.name, b"acme|%d" % (n % keys), b"%0*d" % (size, n)) for n in range(count)]


async def test_every_topic_is_created_once_and_found_again(broker: KafkaSettings) -> None:
    await ensure_topics(broker)
    await ensure_topics(broker)
    assert [record async for record in read_all(broker, TOPICS[-1], ALL)] == []


async def test_a_topic_with_other_partitions_is_named(broker: KafkaSettings) -> None:
    await ensure_topics(broker, [SIGNALS])
    with pytest.raises(PartitionsDiffer) as caught:
        await ensure_topics(broker.model_copy(update={"partitions": 6}), [SIGNALS])
    assert (caught.value.expected, caught.value.found) == (6, 4)
    assert caught.value.topic == broker.wire_name(SIGNALS)


async def test_what_was_sent_is_read_once_and_in_order(broker: KafkaSettings, producer: BulkProducer) -> None:
    sent = keyed(30_000, size=200)
    await producer.send(sent)
    got = [record async for record in read_all(broker, FILTER_VERDICTS, ALL)]
    for partition in ALL:
        expected = [(r.key, r.value) for r in sent if partition_of(r.key or b"", 4) == partition]
        assert [(r.key, r.value) for r in got if r.partition == partition] == expected


async def test_sends_at_the_same_time_lose_nothing(broker: KafkaSettings, producer: BulkProducer) -> None:
    await asyncio.gather(*(producer.send(keyed(2000)) for _ in range(8)))
    assert len([record async for record in read_all(broker, FILTER_VERDICTS, ALL)]) == 16_000


async def test_only_the_partitions_asked_for_are_read(broker: KafkaSettings, producer: BulkProducer) -> None:
    await producer.send(keyed(1000))
    assert {record.partition async for record in read_all(broker, FILTER_VERDICTS, [1, 3])} == {1, 3}


async def test_an_explicit_partition_wins_over_a_partition_key_over_the_key(
    broker: KafkaSettings, producer: BulkProducer
) -> None:
    key, other = b"acme|1", next(b"acme|%d" % n for n in range(99) if partition_of(b"acme|%d" % n, 4) == 2)
    home = partition_of(key, 4)
    assert home != 2
    await producer.send(
        [
            Outgoing(SIGNALS.name, key, b"by key"),
            Outgoing(SIGNALS.name, key, b"by partition key", partition_key=other),
            Outgoing(SIGNALS.name, key, b"explicit", partition=3, partition_key=other),
        ]
    )
    got = {record.value: record.partition async for record in read_all(broker, SIGNALS, ALL)}
    assert got == {b"by key": home, b"by partition key": 2, b"explicit": 3}


async def test_records_without_a_key_go_round(broker: KafkaSettings, producer: BulkProducer) -> None:
    await producer.send([Outgoing(SIGNALS.name, None, b"x") for _ in range(8)])
    partitions = [record.partition async for record in read_all(broker, SIGNALS, ALL)]
    assert sorted(partitions) == [0, 0, 1, 1, 2, 2, 3, 3]


async def test_a_deletion_and_a_given_time_arrive_as_sent(broker: KafkaSettings, producer: BulkProducer) -> None:
    await producer.send([Outgoing(ENFORCEMENTS.name, b"acme|1", None, timestamp_ms=1_700_000_000_123)])
    (record,) = [record async for record in read_all(broker, ENFORCEMENTS, ALL)]
    assert (record.key, record.value, record.timestamp) == (b"acme|1", None, 1_700_000_000_123)


async def test_nothing_to_send_is_nothing_done(broker: KafkaSettings, producer: BulkProducer) -> None:
    await producer.send([])
    assert [record async for record in read_all(broker, SIGNALS, ALL)] == []


async def test_a_record_larger_than_a_batch_arrives_whole(broker: KafkaSettings, producer: BulkProducer) -> None:
    value = bytes(range(256)) * 3000
    await producer.send([Outgoing(BOOKS.name, b"k", b"before"), Outgoing(BOOKS.name, b"k", value)])
    assert [record.value async for record in read_all(broker, BOOKS, ALL)] == [b"before", value]


async def test_a_tail_reads_what_was_there_and_what_comes(broker: KafkaSettings, producer: BulkProducer) -> None:
    seen: list[Record] = []
    await producer.send([Outgoing(ENFORCEMENTS.name, b"acme|%d" % n, b"old") for n in range(100)])
    tail = TopicTail(broker, [ENFORCEMENTS, INCIDENTS], seen.append)
    await tail.start()
    await tail.caught_up.wait()
    assert len(seen) == 100
    await producer.send([Outgoing(INCIDENTS.name, b"i", b"new"), Outgoing(ENFORCEMENTS.name, b"acme|1", None)])
    await eventually(lambda: len(seen) == 102)
    assert {(r.topic, r.value) for r in seen[100:]} == {
        (broker.wire_name(INCIDENTS), b"new"),
        (broker.wire_name(ENFORCEMENTS), None),
    }
    assert tail.up_to_date
    await tail.stop()
    assert tail.caught_up.is_set()
    assert not tail.up_to_date


async def test_a_tail_of_empty_topics_catches_up(broker: KafkaSettings, producer: BulkProducer) -> None:
    tail = TopicTail(broker, [ENFORCEMENTS, INCIDENTS], lambda record: None)
    await tail.start()
    async with asyncio.timeout(10):
        await tail.caught_up.wait()
    await tail.stop()


async def test_a_tail_whose_reader_fails_stops_and_says_so(broker: KafkaSettings, producer: BulkProducer) -> None:
    def refuse(record: Record) -> None:
        raise ValueError("not a record of ours")

    await producer.send([Outgoing(INCIDENTS.name, b"i", b"x")])
    tail = TopicTail(broker, [INCIDENTS], refuse)
    await tail.start()
    await eventually(lambda: not tail.running)
    with pytest.raises(ValueError, match="not a record of ours"):
        await tail.stop()


async def test_a_broker_that_is_not_there_is_a_clear_error() -> None:
    nowhere = KafkaSettings(bootstrap="127.0.0.1:1")
    with pytest.raises(BrokerUnreachable, match=r"127\.0\.0\.1:1"):
        await ensure_topics(nowhere)
    with pytest.raises(BrokerUnreachable):
        await BulkProducer(nowhere).start()
    with pytest.raises(BrokerUnreachable):
        _ = [record async for record in read_all(nowhere, SIGNALS, ALL)]
