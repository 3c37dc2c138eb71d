"""Bulk sending and reading through restarts, crashes and compaction of Apache Kafka."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from apache_kafka import ApacheKafka

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.errors import BrokerUnreachable
from broker.topics import ensure_topics
from broker.view import TopicTail, _Reader, read_all
from events.topics import DECIDE_STATE, ENFORCEMENTS

pytestmark = pytest.mark.kafka
ALL = range(4)


async def until(holds: Callable[[], bool], *, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 — what is waited for has no event
            await asyncio.sleep(0.02)


async def back_up(kafka: ApacheKafka) -> None:
    kafka.launch()
    await asyncio.to_thread(kafka.wait_until_serving)


@pytest.fixture
async def producer(apache: KafkaSettings) -> AsyncIterator[BulkProducer]:
    await ensure_topics(apache, [ENFORCEMENTS])
    producer = BulkProducer(apache)
    await producer.start()
    yield producer
    await producer.stop()


@pytest.mark.parametrize("end", [ApacheKafka.stop, ApacheKafka.kill])
async def test_a_tail_and_a_sender_go_on_where_they_were(
    apache_kafka: ApacheKafka, apache: KafkaSettings, producer: BulkProducer, end: Callable[[ApacheKafka], None]
) -> None:
    seen: list[bytes | None] = []
    tail = TopicTail(apache, [ENFORCEMENTS], lambda record: seen.append(record.value))
    await tail.start()
    await producer.send([Outgoing(ENFORCEMENTS.name, b"acme|%d" % n, b"before") for n in range(100)])
    await until(lambda: len(seen) == 100)
    end(apache_kafka)
    waiting = asyncio.create_task(producer.send([Outgoing(ENFORCEMENTS.name, b"acme|1", b"during")]))
    await asyncio.sleep(1)
    assert not waiting.done()
    await back_up(apache_kafka)
    await waiting
    await producer.send([Outgoing(ENFORCEMENTS.name, b"acme|1", b"after")])
    await until(lambda: len(seen) >= 102)
    await tail.stop()
    assert seen == [b"before"] * 100 + [b"during", b"after"]


async def test_a_tail_that_starts_before_the_broker_waits_for_it(
    apache_kafka: ApacheKafka, apache: KafkaSettings, producer: BulkProducer
) -> None:
    await producer.send([Outgoing(ENFORCEMENTS.name, b"acme|1", b"x")])
    apache_kafka.stop()
    seen: list[bytes | None] = []
    tail = TopicTail(apache, [ENFORCEMENTS], lambda record: seen.append(record.value))
    await tail.start()
    await asyncio.sleep(1)
    assert tail.running
    assert not tail.caught_up.is_set()
    await back_up(apache_kafka)
    async with asyncio.timeout(30):
        await tail.caught_up.wait()
    await tail.stop()
    assert seen == [b"x"]


async def test_a_partition_that_falls_silent_alone_is_read_on_by_a_new_connection(
    apache: KafkaSettings, producer: BulkProducer
) -> None:
    name = apache.wire_name(ENFORCEMENTS)
    positions: dict[TopicPartition, int | None] = {TopicPartition(name, partition): None for partition in ALL}
    seen: list[int] = []

    async def read() -> None:
        async with _Reader(apache, positions, silence=1.0) as reader:
            if not seen:
                reader._consumer.pause(TopicPartition(name, 1))
            while len(seen) < 1_000:
                seen.extend(int(record.value or b"") for record in await reader.poll())

    sending = asyncio.create_task(_send_slowly(producer, range(1_000)))
    async with asyncio.timeout(60):
        with pytest.raises(BrokerUnreachable):
            await read()
        assert 0 < len(seen) < 1_000
        await read()
    await sending
    assert sorted(seen) == list(range(1_000))


async def test_a_tail_goes_on_after_its_broker_was_away_for_longer_than_it_waits(
    apache_kafka: ApacheKafka, apache: KafkaSettings, producer: BulkProducer
) -> None:
    seen: list[bytes | None] = []
    tail = TopicTail(apache, [ENFORCEMENTS], lambda record: seen.append(record.value), silence=1.0)
    await tail.start()
    await producer.send([Outgoing(ENFORCEMENTS.name, b"acme|1", b"before")])
    await until(lambda: len(seen) == 1)
    apache_kafka.kill()
    await asyncio.sleep(4)
    await back_up(apache_kafka)
    await producer.send([Outgoing(ENFORCEMENTS.name, b"acme|1", b"after")])
    await until(lambda: len(seen) == 2)
    await tail.stop()
    assert seen == [b"before", b"after"]


class Waiting(_Reader):
    """A reader whose client waits for ever for a place of its own, once it has records in hand."""

    async def _note(self, partition: TopicPartition, *, answered: int | None, records: Iterable[Any]) -> None:
        await super()._note(partition, answered=answered, records=records)
        if records:
            await asyncio.Event().wait()


async def test_a_client_that_waits_for_itself_is_given_up_and_what_it_had_in_hand_is_read_again(
    apache: KafkaSettings, producer: BulkProducer
) -> None:
    positions: dict[TopicPartition, int | None] = {TopicPartition(apache.wire_name(ENFORCEMENTS), 0): None}
    await producer.send([Outgoing(ENFORCEMENTS.name, b"k", b"%d" % n, partition=0) for n in range(10)])

    async def wait() -> None:
        async with Waiting(apache, positions, silence=1.0) as reader:
            while True:
                await reader.poll()

    with pytest.raises(BrokerUnreachable):
        await wait()
    seen: list[bytes | None] = []
    async with asyncio.timeout(30), _Reader(apache, positions) as reader:
        while len(seen) < 10:
            seen.extend(record.value for record in await reader.poll())
    assert seen == [b"%d" % n for n in range(10)]


async def _send_slowly(producer: BulkProducer, numbers: range) -> None:
    for start in numbers[::10]:
        some = [Outgoing(ENFORCEMENTS.name, b"k", b"%d" % n, partition=n % 4) for n in range(start, start + 10)]
        await producer.send(some)
        await asyncio.sleep(0.02)


async def test_a_producer_stops_although_no_broker_takes_its_records(
    apache_kafka: ApacheKafka, apache: KafkaSettings
) -> None:
    await ensure_topics(apache, [ENFORCEMENTS])
    producer = BulkProducer(apache)
    await producer.start()
    await producer.send([Outgoing(ENFORCEMENTS.name, b"acme|1", b"x")])
    apache_kafka.stop()
    waiting = asyncio.create_task(producer.send([Outgoing(ENFORCEMENTS.name, b"acme|1", b"y")]))
    await asyncio.sleep(0.5)
    async with asyncio.timeout(15):
        await producer.stop()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await back_up(apache_kafka)


async def test_a_compacted_topic_is_read_to_its_end(apache: KafkaSettings) -> None:
    """Most offsets are gone then, deletions and whole batches among them, and the log ends with transaction markers."""
    await _quickly_compacted(apache, apache.wire_name(DECIDE_STATE))
    owner = BulkProducer(apache, f"{apache.topic_prefix}owner")
    await owner.start()
    for value in (b"0", b"1", b"2", None):
        await owner.send([Outgoing(DECIDE_STATE.name, b"k%d" % k, value, partition=0) for k in range(1, 100)])
        await asyncio.sleep(0.15)
    got = []
    async with asyncio.timeout(60):
        while len(got) != 2:
            await owner.send([Outgoing(DECIDE_STATE.name, b"k0", b"kept", partition=0)])
            await asyncio.sleep(0.4)
            got = [record async for record in read_all(apache, DECIDE_STATE, ALL)]
    await owner.stop()
    assert {(record.key, record.value) for record in got} == {(b"k0", b"kept")}


async def _quickly_compacted(settings: KafkaSettings, name: str) -> None:
    config = {
        "cleanup.policy": "compact",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.01",
        "delete.retention.ms": "0",
    }
    admin = AIOKafkaAdminClient(**settings.options())
    await admin.start()
    await admin.create_topics([NewTopic(name, settings.partitions, 1, topic_configs=config)])
    await admin.close()
