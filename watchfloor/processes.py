"""Composes the archiver and the API from their parts; each function is one process's straight-line wiring."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from secrets import token_hex

from api.alert_feed import AlertFeed
from api.analytics import StoreAnalytics
from api.commands import Commander
from api.deps import ApiDeps
from api.feeds import TAILED, Tail
from api.history import StoreHistory
from api.metrics import Metrics
from api.settings import ApiSettings
from api.sinks import LogSink
from api.tokens import TokenBook
from api.views import Views
from broker.bulk import BulkProducer
from broker.connection import KafkaSettings
from broker.progress import ProgressTeller
from broker.view import Record, TopicTail
from events.formats import FORMATS
from events.pseudonym import Pseudonymiser, load_keys
from events.topics import EVENT_TOPICS
from policy import LoadedPolicy
from sql.archiver import Archiver
from sql.batch import StoredReport
from sql.follow import ArchiverSettings, Follower
from sql.readonly import Limits
from sql.restore import current_epoch
from sql.store import Store
from watchfloor.shell import now


async def run_archiver(
    settings: ArchiverSettings,
    kafka: KafkaSettings,
    store: Store,
    *,
    stop: asyncio.Event,
    on_stored: Callable[[str, StoredReport], None] = lambda _topic, _report: None,
) -> None:
    """Store the log in ClickHouse until `stop` is set, and tell how far."""
    epoch = await asyncio.to_thread(current_epoch, store)
    producer = BulkProducer(kafka)
    await producer.start()
    teller = ProgressTeller(producer.send, topics=frozenset(topic.name for topic, _ in EVENT_TOPICS), clock=now)
    archiver = Archiver(store, epoch, clock=now)
    follower = Follower(settings, kafka, archiver=archiver, on_stored=on_stored, on_position=teller.note)
    try:
        async with teller.telling():
            await follower.run(stop)
    finally:
        await producer.stop()


@contextlib.asynccontextmanager
async def api_parts(
    settings: ApiSettings, kafka: KafkaSettings, store: Store, *, policy: LoadedPolicy, keys: Path
) -> AsyncIterator[ApiDeps]:
    """Everything that the API is made of, connected and following the log; disconnected at the end."""
    producer = BulkProducer(kafka)
    await producer.start()
    sink, metrics = LogSink(producer), Metrics()
    views = Views.empty(token_hex(4), max_streams=settings.max_streams)
    feed = AlertFeed(token_hex(4), size=settings.feed_size, max_streams=settings.max_streams)
    commander = Commander(sink, patience=settings.command_patience)
    tail = Tail(views, feed, commander, metrics=metrics)

    def apply(record: Record) -> None:
        tail.apply(record.topic.removeprefix(kafka.topic_prefix), record.key, record.value)

    follower = TopicTail(kafka, TAILED, apply)
    await follower.start()
    deps = ApiDeps(
        settings=settings,
        policy=policy.policy,
        tokens=TokenBook.load(settings.tokens),
        formats={one.name: one for one in FORMATS},
        pseudonymiser=Pseudonymiser(load_keys(keys)),
        sink=sink,
        commander=commander,
        analytics=StoreAnalytics(store, Limits()),
        history=StoreHistory(store),
        views=views,
        feed=feed,
        clock=now,
        checks={"views": _holds(lambda: follower.up_to_date), "store": lambda: asyncio.to_thread(store.ping)},
        metrics=metrics,
    )
    try:
        yield deps
    finally:
        await follower.stop()
        await producer.stop()


def _holds(fact: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return fact()

    return check
