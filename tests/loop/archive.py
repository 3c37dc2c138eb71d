"""Sends records to the log, and tells how much of them an archiver has stored."""

from collections.abc import Sequence

from loop.outcome import committed_offsets, settled
from loop.process import archiver_group_of
from loop.waiting import until

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from events.topics import FILTER_VERDICTS, REQUEST_LOGS

ARCHIVED = (FILTER_VERDICTS, REQUEST_LOGS)
"""The topics of the fixed input."""


async def send(kafka: KafkaSettings, records: Sequence[Outgoing]) -> None:
    """Send the records, as fast as the broker takes them."""
    producer = BulkProducer(kafka)
    await producer.start()
    try:
        await producer.send(records)
    finally:
        await producer.stop()


async def committed(kafka: KafkaSettings) -> int:
    """Records that the archiver has stored and need not read again."""
    offsets = await committed_offsets(kafka, archiver_group_of(kafka))
    return sum(offset for offset in offsets.values() if offset > 0)


async def reaches(kafka: KafkaSettings, records: float) -> int:
    """Wait until so many records are stored; how many they are."""

    async def look() -> int:
        return reached if (reached := await committed(kafka)) >= records else 0

    return await until(look, f"{records:,.0f} records stored", seconds=120)


async def all_stored(kafka: KafkaSettings) -> None:
    """Wait until the archiver has stored the whole log."""
    group = archiver_group_of(kafka)
    await until(lambda: settled(kafka, group, ARCHIVED), "all is stored", seconds=240, every=0.2)
