"""Fills and removes the topics of a run, and tells other processes where they are."""

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient

from bench.workload import Workload
from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from events.topics import FILTER_VERDICTS, TOPICS, Topic

_AT_ONCE = 20_000


async def load(kafka: KafkaSettings, workload: Workload, *, first: int, last: int) -> None:
    """Send the events from number `first` to before number `last`, and wait until the broker has them."""
    producer = BulkProducer(kafka)
    await producer.start()
    try:
        for start in range(first, last, _AT_ONCE):
            events = workload.part(start, min(start + _AT_ONCE, last))
            await producer.send([Outgoing(FILTER_VERDICTS.name, one.key, one.value) for one in events])
    finally:
        await producer.stop()


async def remove_topics(kafka: KafkaSettings, topics: Iterable[Topic] = TOPICS) -> None:
    """Delete the topics of a run; a broker that cannot keeps them until it ends."""
    admin = AIOKafkaAdminClient(**kafka.options())
    await admin.start()
    try:
        await admin.delete_topics([kafka.wire_name(topic) for topic in topics])
    finally:
        await admin.close()


def kafka_env(kafka: KafkaSettings) -> dict[str, str]:
    """The settings as environment variables."""
    return {
        "WATCHFLOOR_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "WATCHFLOOR_KAFKA_PARTITIONS": str(kafka.partitions),
        "WATCHFLOOR_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
        "WATCHFLOOR_KAFKA_EMBEDDED": str(kafka.embedded).lower(),
    }
