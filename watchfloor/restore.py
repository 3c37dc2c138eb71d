"""Writes the latest state of every compacted topic from ClickHouse back into an empty log, and begins a new epoch."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from events.topics import BOOKS
from sql.restore import StateRecord, begin_epoch, latest_state
from sql.store import Store
from streams.rebase import rebase
from watchfloor.shell import now

_CHUNK = 5_000


async def restore(kafka: KafkaSettings, store: Store, *, on_progress: Callable[[int], None]) -> int:
    """Returns the number of records written. The log must be empty: its offsets must start at zero.

    The books start afresh with the log; everything else goes on where it was.
    """
    records = latest_state(store)
    producer = BulkProducer(kafka)
    await producer.start()
    written = 0
    try:
        while chunk := await asyncio.to_thread(lambda: list(islice(records, _CHUNK))):
            outgoing = list(_outgoing(chunk))
            await producer.send(outgoing)
            written += len(outgoing)
            on_progress(written)
    finally:
        await producer.stop()
    await asyncio.to_thread(begin_epoch, store, now=now())
    return written


def _outgoing(records: list[StateRecord]) -> Iterator[Outgoing]:
    for record in records:
        if record.topic == BOOKS.name:
            continue
        value = rebase(record.topic, record.key, record.value)
        if value is not None:
            yield Outgoing(record.topic, record.key, value, record.partition)
