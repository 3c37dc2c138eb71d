"""A range of the log is rehearsed as it was read: in the order of each partition, within the time asked for."""

from datetime import UTC, datetime, timedelta

import pytest
from loop.planted import verdict

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.topics import ensure_topics
from events import FilterVerdict
from events.topics import FILTER_VERDICTS
from policy import load_policy
from streams.rehearsal import Rehearsal
from watchfloor.backtest_source import Between, from_kafka

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def refused(number: int) -> FilterVerdict:
    kind = {"category": "hate", "provider_category": "hate", "stage": "prompt", "state": "blocked", "severity": 3}
    return verdict(f"r{number}", START + timedelta(minutes=number), user=number % 5, **kind)


def outgoing(event: FilterVerdict) -> Outgoing:
    key, value = f"{event.tenant}|{event.subject}".encode(), event.model_dump_json(exclude_none=True).encode()
    return Outgoing(FILTER_VERDICTS.name, key, value, timestamp_ms=int(event.at.timestamp() * 1000))


@pytest.mark.embedded
async def test_the_log_is_read_partition_by_partition_and_merged_by_time(embedded: KafkaSettings) -> None:
    await ensure_topics(embedded)
    sent = [outgoing(refused(number)) for number in range(200)]
    producer = BulkProducer(embedded)
    await producer.start()
    await producer.send(sent)
    await producer.stop()
    found = [one async for batch in from_kafka(embedded, Between()) for one in batch]
    assert [one.value for one in found] == [one.value for one in sent]
    rehearsals = []
    for events in (sent, found):
        rehearsal = Rehearsal(load_policy("demo"))
        rehearsal.feed(events)
        rehearsals.append(rehearsal.found)
    assert rehearsals[0].acts == rehearsals[1].acts != []
    within = Between(START + timedelta(minutes=50), START + timedelta(minutes=60))
    part = [one async for batch in from_kafka(embedded, within) for one in batch]
    assert [one.value for one in part] == [one.value for one in sent[50:60]]


@pytest.mark.kafka
async def test_a_range_of_a_real_log_begins_at_its_time_and_ends_with_the_log(apache: KafkaSettings) -> None:
    await ensure_topics(apache)
    producer = BulkProducer(apache)
    await producer.start()
    await producer.send([outgoing(refused(number)) for number in range(100)])
    await producer.stop()
    now = datetime.now(UTC)  # noqa: TID251  the broker stamps what arrives with its own clock
    recent = Between(now - timedelta(hours=1), now + timedelta(hours=1))
    assert len([one async for batch in from_kafka(apache, recent) for one in batch]) == 100
    older = Between(None, now - timedelta(hours=1))
    assert [one async for batch in from_kafka(apache, older) for one in batch] == []
