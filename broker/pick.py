"""Reads single records by their place in the log; it follows nothing."""

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from broker.connection import KafkaSettings
from broker.errors import BrokerUnreachable, RecordGone
from broker.leave import leave
from broker.view import Record

_PATIENCE_MS = 5_000


async def read_one(settings: KafkaSettings, topic: str, *, partition: int, offset: int) -> Record:
    """The record at that place. Raises BrokerUnreachable, or RecordGone when nothing is there (any more)."""
    place = TopicPartition(settings.wire_name(topic), partition)
    consumer = AIOKafkaConsumer(**settings.options(), group_id=None, enable_auto_commit=False, auto_offset_reset="none")
    try:
        await consumer.start()
    except KafkaConnectionError as error:
        await leave(consumer)
        raise BrokerUnreachable(settings.bootstrap) from error
    try:
        consumer.assign([place])
        consumer.seek(place, offset)
        found = await consumer.getmany(place, timeout_ms=_PATIENCE_MS, max_records=1)
    finally:
        await leave(consumer)
    for record in found.get(place, ()):
        if record.offset == offset:
            one: Record = record
            return one
    raise RecordGone(topic, partition, offset=offset)
