"""How the archiver's shell keeps fetching, reading and storing at work at the same time, and in order."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from threading import Event

import pytest
from sql_facts import fresh_store, new_archiver, records, request, ticking

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.embedded import EmbeddedBroker
from broker.topics import ensure_topics
from events.topics import REQUEST_LOGS
from sql.archiver import Archiver
from sql.batch import Batch, Record, StoredReport
from sql.errors import StoreUnavailable
from sql.follow import ArchiverSettings, Follower
from sql.rows import Rows
from sql.store import Store

pytestmark = pytest.mark.embedded
RECORDS, AT_ONCE = 3_000, 600
SENT = [request(f"r{number}:log") for number in range(RECORDS)]
QUICK = ArchiverSettings(session_seconds=6, batch_records=AT_ONCE, batch_seconds=0.1, retry_seconds=0.05)


class Watched(Archiver):
    """An archiver that tells what it was asked for, and in which order."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, 1, clock=ticking())
        self.stored: list[int] = []
        self.refusals = 0
        self.reads = 0
        self.read_ahead, self.all_given = Event(), Event()

    def read(self, topic: str, records: Sequence[Record]) -> Rows | None:
        self.reads += topic == REQUEST_LOGS.name
        if self.reads > 1:
            self.read_ahead.set()
        return super().read(topic, records)

    def store_batch(self, batch: Batch, rows: Rows | None = None) -> StoredReport:
        if batch.topic != REQUEST_LOGS.name:
            return super().store_batch(batch, rows)
        assert self.read_ahead.wait(10), "the next batch is read while this one is stored"
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("refused")
        self.stored += [record.offset for record in batch.records]
        if self.stored[-1] == RECORDS - 1:
            self.all_given.set()
        return super().store_batch(batch, rows)


@pytest.fixture
async def kafka(tmp_path: Path) -> AsyncIterator[KafkaSettings]:
    async with EmbeddedBroker(tmp_path / "broker.log", partitions=1) as broker:
        await ensure_topics(broker.settings)
        producer = BulkProducer(broker.settings)
        await producer.start()
        values = [one.model_dump_json().encode() for one in SENT]
        await producer.send([Outgoing(REQUEST_LOGS.name, b"acme|k1.a", value) for value in values])
        await producer.stop()
        yield broker.settings


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    yield from fresh_store(tmp_path / "clickhouse")


@pytest.mark.parametrize("refusals", [0, 3])
async def test_batches_of_one_partition_are_stored_in_order_while_the_next_ones_are_read(
    kafka: KafkaSettings, store: Store, refusals: int
) -> None:
    archiver, told, all_stored, stop = Watched(store), [0], asyncio.Event(), asyncio.Event()
    archiver.refusals = refusals

    def tell(topic: str, report: StoredReport) -> None:
        told[0] += report.stored if topic == REQUEST_LOGS.name else 0
        if told[0] >= RECORDS:
            all_stored.set()

    running = asyncio.create_task(Follower(QUICK, kafka, archiver=archiver, on_stored=tell).run(stop))
    async with asyncio.timeout(60):
        await all_stored.wait()
    stop.set()
    await running
    assert archiver.stored == list(range(RECORDS))
    assert store.query("SELECT count(), uniqExact(event_id) FROM request_logs").rows == [(RECORDS, RECORDS)]


@pytest.mark.parametrize("refusals", [0, 3])
async def test_a_batch_that_was_lost_at_a_crash_is_stored_when_all_of_it_is_fetched_again(
    kafka: KafkaSettings, store: Store, refusals: int
) -> None:
    noted = 2 * AT_ONCE + 100
    new_archiver(store).store_batch(Batch(REQUEST_LOGS.name, 0, records(SENT[:noted])))
    store.command("ALTER TABLE request_logs DELETE WHERE 1 SETTINGS mutations_sync = 1")
    archiver, stop = Watched(store), asyncio.Event()
    archiver.refusals = refusals

    def tell(topic: str, report: StoredReport) -> None:
        if archiver.all_given.is_set():
            stop.set()

    async with asyncio.timeout(60):
        await Follower(QUICK, kafka, archiver=archiver, on_stored=tell).run(stop)
    assert archiver.stored.count(0) > 1, "it was too short at first"
    assert store.query("SELECT count(), uniqExact(event_id) FROM request_logs").rows == [(RECORDS, RECORDS)]
    assert store.query("SELECT sum(requests) FROM requests_by_minute").rows == [(RECORDS,)]


async def test_a_lost_batch_of_which_the_end_never_comes_is_left_for_the_next_archiver(
    kafka: KafkaSettings, store: Store
) -> None:
    later = [request(f"s{number}:log") for number in range(100)]
    new_archiver(store).store_batch(Batch(REQUEST_LOGS.name, 0, records([*SENT, *later])))
    store.command("ALTER TABLE request_logs DELETE WHERE 1 SETTINGS mutations_sync = 1")
    archiver, stop = Watched(store), asyncio.Event()
    running = asyncio.create_task(Follower(QUICK, kafka, archiver=archiver, on_stored=lambda *_: None).run(stop))
    assert await asyncio.to_thread(archiver.all_given.wait, 30)
    stop.set()
    async with asyncio.timeout(30):
        await running
    assert store.query("SELECT count() FROM request_logs").rows == [(0,)]
    assert store.query("SELECT sum(requests) FROM requests_by_minute").rows == [(RECORDS + 100,)]
