"""The worker: a Faust app whose agents hand batches to lanes, wired in one place; it computes nothing itself."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

import faust
import structlog
from faust.serializers.schemas import Schema
from faust.tables.manager import TableManager

from broker.connection import KafkaSettings
from events.topics import EVENT_TOPICS
from policy import LoadedPolicy
from streams import transport
from streams.checkpoint import Checkpoint
from streams.errors import SecondWorker, TooManyDeadLetters
from streams.lane import Source
from streams.lanes import INPUTS, lane_factories
from streams.metrics import BATCH_SECONDS, LAG
from streams.settings import WorkerSettings

log = structlog.get_logger()

_MEASURED = frozenset(topic.name for topic, _ in EVENT_TOPICS)
"""Topics whose lag is told; those of the worker's own end with transaction markers, which look like lag."""


_REBALANCE_SECONDS = 10.0
"""Within which a worker that another one took lanes from is told so, once its session is over."""


class _RawSchema(Schema):
    """Batches arrive as lists of raw records; lanes decode them."""

    def loads_key(self, _app: Any, message: Any, **_options: Any) -> Any:
        return message.key

    def loads_value(self, _app: Any, message: Any, **_options: Any) -> Any:
        return message.value


class _LaneManager(TableManager):
    """Opens lanes where Faust would recover its tables: after the assignment, before the first record."""

    async def on_rebalance(self, assigned: Any, revoked: Any, newly_assigned: Any, generation_id: int = 0) -> None:
        with self.app.consumer.reading.opening():
            await self.app.open_lanes(assigned)
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)


class Worker(faust.App):
    """A Faust app that owns a checkpoint."""

    logger = logging.getLogger("faust.watchfloor")
    """Faust's, so that whoever silences Faust silences its traces of what is raised anyway."""
    client_options: dict[str, Any]
    checkpoint: Checkpoint
    kafka: KafkaSettings
    leave_seconds = 4.0
    """How long the last flush may take, and how long leaving the group: a container's engine waits ten seconds."""
    failure: BaseException | None = None
    failed: asyncio.Event
    _had_all = False

    async def open_lanes(self, assigned: set[Any]) -> None:
        """Open a lane for every agent and partition assigned; called by the table manager."""
        topics = {self.kafka.wire_name(topic): agent for agent, inputs in INPUTS for topic in inputs}
        lanes = sorted({(topics[tp.topic], tp.partition) for tp in assigned})
        self._refuse_company(len(lanes))
        await asyncio.gather(*(self.checkpoint.open(agent, partition) for agent, partition in lanes))

    def _refuse_company(self, lanes: int) -> None:
        complete = lanes == len(INPUTS) * self.kafka.partitions
        if self.kafka.embedded and lanes and not complete and not self._had_all:
            raise SecondWorker(self.conf.id)
        self._had_all = self._had_all or complete

    def _create_directories(self) -> None:
        """Faust wants a data directory for tables; there are none."""

    async def crash(self, reason: BaseException) -> None:
        """Remember why the worker cannot go on. Whoever runs it stops it in order, which Faust's own crash does not."""
        self.failure = self.failure or reason
        self.failed.set()


def create_app(settings: WorkerSettings, kafka: KafkaSettings, policy: LoadedPolicy) -> Worker:
    """Wire one worker. Nothing is read or connected before the app is started."""
    transport.register()
    group = settings.group or f"{kafka.topic_prefix}watchfloor-worker"
    app = Worker(
        group,
        broker=f"{transport.SCHEME}://{kafka.bootstrap.replace(',', f';{transport.SCHEME}://')}",
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=kafka.partitions,
        stream_buffer_maxsize=8,
        stream_wait_empty=True,
        broker_commit_interval=60.0,
        broker_max_poll_records=settings.batch_records,
        broker_session_timeout=settings.session_seconds,
        broker_heartbeat_interval=settings.session_seconds / 4,
        TableManager=_LaneManager,
    )
    app.kafka, app.failed = kafka, asyncio.Event()
    app.client_options = kafka.options()
    agents = lane_factories(policy, partitions=kafka.partitions)
    app.checkpoint = Checkpoint(kafka, group, agents=agents, interval=settings.flush_seconds, on_failure=app.crash)
    app.checkpoint.patience = settings.session_seconds + _REBALANCE_SECONDS
    app.checkpoint.commit_offsets = _committer(app)
    app.on_partitions_revoked.connect(_closer(app))
    for agent, inputs in INPUTS:
        topic = app.topic(*(kafka.wire_name(one) for one in inputs), schema=_RawSchema())
        app.agent(topic, name=agent)(_applier(app, agent))
    return app


def _committer(app: Worker) -> Callable[[Any], Awaitable[None]]:
    async def commit(offsets: dict[Source, int]) -> None:
        await app.consumer.commit_offsets({faust.types.TP(*source): offset for source, offset in offsets.items()})

    return commit


def _closer(app: Worker) -> Callable[..., Awaitable[None]]:
    async def close(_app: Any, _revoked: Any, **_kwargs: Any) -> None:
        await app.checkpoint.close()
        LAG.clear()

    return close


def _applier(app: Worker, agent: str) -> Callable[[Any], Awaitable[None]]:
    own = {app.kafka.wire_name(topic): topic.name for name, inputs in INPUTS if name == agent for topic in inputs}

    async def apply(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            lane = app.checkpoint.lane(agent, message.partition)
            if lane is None or message.value.reading != app.consumer.reading.number:
                continue
            started = perf_counter()
            try:
                lane.apply(own[message.topic], message.value.records)
            except Exception as failure:  # the worker's boundary: a batch that cannot be applied must not be skipped
                log.error("batch_failed", agent=agent, partition=message.partition, kind=type(failure).__name__)
                if not isinstance(failure, TooManyDeadLetters):
                    await app.checkpoint.abandon(agent, message.partition)
                event.ack()
                await app.crash(failure)
                return
            BATCH_SECONDS.labels(agent=agent).observe(perf_counter() - started)
            lag = app.consumer.lag(message.tp, message.offset + 1)
            if own[message.topic] in _MEASURED:
                LAG.labels(topic=own[message.topic], partition=message.partition).set(lag)
            age = time.time() - message.timestamp  # noqa: TID251  the shell tells the time
            await app.checkpoint.applied(agent, message.partition, behind=age if lag else 0.0)

    return apply
