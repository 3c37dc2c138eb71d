"""Follows the log with a consumer group and hands batches to the archiver; waits out a ClickHouse that is down."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from broker.connection import KafkaSettings
from broker.group import GroupConsumer
from broker.leave import leave
from sql.archiver import Archiver
from sql.batch import Batch, StoredReport
from sql.errors import BatchShort, StoreUnavailable
from sql.rows import Rows

log = structlog.get_logger()

_POLL_MS = 100
_FETCH_BYTES = 8 << 20
_NEVER_MS = 24 * 3_600_000
_BATCHES_HELD = 3
"""Fetching pauses when so many full batches are in memory, over all partitions."""


class ArchiverSettings(BaseSettings):
    """How one archiver runs; read from `WATCHFLOOR_ARCHIVER_*`."""

    model_config = SettingsConfigDict(
        env_prefix="WATCHFLOOR_ARCHIVER_", env_ignore_empty=True, frozen=True, use_attribute_docstrings=True
    )

    group: str | None = None
    """The consumer group, shared by archivers that share the partitions. Unset: prefix and `watchfloor-archiver`."""
    batch_records: int = Field(default=50_000, ge=1, le=1_000_000)
    """A partition's batch is stored when it has so many records."""
    batch_seconds: float = Field(default=1.0, gt=0, le=60)
    """A smaller batch is stored after this long."""
    session_seconds: float = Field(default=10.0, ge=1, le=300)
    """An archiver that is silent for this long loses its partitions to another."""
    retry_seconds: float = Field(default=1.0, gt=0, le=60)
    """First wait when ClickHouse refuses; doubled each time, up to a minute."""
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Port of the Prometheus endpoint; null for none, 0 for any free one."""
    metrics_host: str = "127.0.0.1"
    """Address of the Prometheus endpoint."""


@dataclass(slots=True)
class _Prepared:
    """A batch of one partition, as it is to be stored."""

    records: list[Any]
    rows: Rows | None


@dataclass(slots=True)
class _Pending:
    """Records of one partition that are fetched and not yet stored: first those that are prepared, then the others."""

    since: float
    prepared: deque[_Prepared] = field(default_factory=deque)
    records: list[Any] = field(default_factory=list)
    is_short: bool = False
    """The archiver stores nothing before it has more: the rest of a batch that was under way at a crash."""

    def __len__(self) -> int:
        return sum(len(one.records) for one in self.prepared) + len(self.records)

    @property
    def is_ready(self) -> bool:
        """Whether there is something to store."""
        return len(self.prepared) > self.is_short

    def first(self) -> _Prepared:
        """What to store next; all that is prepared where less was too little."""
        if self.is_short:
            records = [record for one in self.prepared for record in one.records]
            self.prepared, self.is_short = deque([_Prepared(records, None)]), False
        return self.prepared[0]


class Follower(ConsumerRebalanceListener):
    """One archiver's share of the log. Offsets are committed only for what ClickHouse has."""

    def __init__(
        self,
        settings: ArchiverSettings,
        kafka: KafkaSettings,
        *,
        archiver: Archiver,
        on_stored: Callable[[str, StoredReport], None],
        on_position: Callable[[str, int, int], None] = lambda _topic, _partition, _next_offset: None,
    ) -> None:
        self._settings, self._kafka, self._archiver = settings, kafka, archiver
        self._on_stored, self._on_position = on_stored, on_position
        self._pending: dict[TopicPartition, _Pending] = {}
        self._storing = asyncio.Lock()
        self._arrived, self._prepared, self._stored = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._consumer = GroupConsumer(
            **kafka.options(),
            group_id=settings.group or f"{kafka.topic_prefix}watchfloor-archiver",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=_POLL_MS,
            max_partition_fetch_bytes=_FETCH_BYTES,
            session_timeout_ms=int(settings.session_seconds * 1000),
            heartbeat_interval_ms=int(settings.session_seconds * 250),
            max_poll_interval_ms=_NEVER_MS,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set, then store what is read. Raises what is no mere outage of ClickHouse, and
        MembershipLost."""
        self._consumer.subscribe([self._kafka.wire_name(topic) for topic in self._archiver.topics], listener=self)
        await self._consumer.start()
        steps = [asyncio.create_task(step(stop)) for step in (self._fetch_on, self._prepare_on, self._store_on)]
        try:
            await asyncio.wait(steps, return_when=asyncio.FIRST_EXCEPTION)
            for step in steps:
                if step.done():
                    step.result()
            with contextlib.suppress(StoreUnavailable):
                while self._pending:
                    await self._store_rest(next(iter(self._pending)))
        finally:
            for step in steps:
                step.cancel()
            await leave(self._consumer)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Forget what is not stored; the next owner reads it again."""
        async with self._storing:
            for partition in revoked:
                self._pending.pop(partition, None)
                self._archiver.revoked(self._own_name(partition), partition.partition)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Nothing to do: the archiver asks ClickHouse when the first batch comes."""

    async def _fetch_on(self, stop: asyncio.Event) -> None:
        """Fetch on while batches are read and stored, so that broker, Python and ClickHouse work at the same time."""
        while not stop.is_set():
            if self._crowded():
                await _soon(self._stored)
            else:
                await self._fetch()

    async def _fetch(self) -> None:
        fetched = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=self._settings.batch_records)
        for partition, records in fetched.items():
            pending = self._pending.setdefault(partition, _Pending(monotonic()))
            pending.records.extend(records)
            self._arrived.set()

    def _crowded(self) -> bool:
        held = sum(len(one) for one in self._pending.values() if not one.is_short)
        return held >= _BATCHES_HELD * self._settings.batch_records

    async def _prepare_on(self, stop: asyncio.Event) -> None:
        """Read what is due, the largest batch first, whether or not the one before it is stored."""
        while not stop.is_set():
            due = [(len(one.records), partition) for partition, one in self._pending.items() if self._is_due(one)]
            if due:
                _, partition = max(due)
                await self._prepare(partition, self._pending[partition])
            else:
                await _soon(self._arrived)

    def _is_due(self, pending: _Pending) -> bool:
        if not pending.records:
            return False
        full = len(pending.records) >= self._settings.batch_records
        waited = not pending.is_ready and monotonic() - pending.since >= self._settings.batch_seconds
        return full or waited or (self._crowded() and not any(one.is_ready for one in self._pending.values()))

    async def _prepare(self, partition: TopicPartition, pending: _Pending) -> None:
        records = pending.records[: self._settings.batch_records]
        rows = await asyncio.to_thread(self._archiver.read, self._own_name(partition), records)
        del pending.records[: len(records)]
        pending.prepared.append(_Prepared(records, rows))
        self._prepared.set()

    async def _store_on(self, stop: asyncio.Event) -> None:
        """Store what is prepared."""
        while not stop.is_set():
            for partition in [key for key, pending in self._pending.items() if pending.is_ready]:
                await self._store_patiently(partition, stop)
            await _soon(self._prepared)

    async def _store_patiently(self, partition: TopicPartition, stop: asyncio.Event) -> None:
        wait = self._settings.retry_seconds
        while not stop.is_set():
            try:
                await self._store(partition)
            except StoreUnavailable as error:
                place = {"topic": partition.topic, "partition": partition.partition}
                log.warning("store_unavailable", **place, reason=error.reason, wait=wait)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), wait)
                wait = min(wait * 2, 60.0)
            else:
                return

    async def _store_rest(self, partition: TopicPartition) -> None:
        pending = self._pending[partition]
        if not pending.is_ready and pending.records:
            await self._prepare(partition, pending)
        await self._store(partition)
        if pending.is_short and not pending.records:
            self._pending.pop(partition, None)  # whoever comes next reads it again

    async def _store(self, partition: TopicPartition) -> None:
        async with self._storing:
            pending = self._pending.get(partition)
            if pending is None or not pending.is_ready:
                return
            topic, began, first = self._own_name(partition), monotonic(), pending.first()
            records = first.records
            batch = Batch(topic, partition.partition, records)
            try:
                report = await asyncio.to_thread(self._archiver.store_batch, batch, first.rows)
            except BatchShort as error:
                log.info("rest_of_batch_awaited", topic=topic, partition=partition.partition, last=error.last)
                pending.is_short = True
                return
            pending.since = began
            pending.prepared.popleft()
            if not pending:
                del self._pending[partition]
            self._stored.set()
            self._arrived.set()
            self._on_stored(topic, report)
            self._on_position(topic, partition.partition, records[-1].offset + 1)
            await self._commit(partition, records[-1].offset + 1)

    async def _commit(self, partition: TopicPartition, offset: int) -> None:
        try:
            await self._consumer.commit({partition: offset})
        except (CommitFailedError, IllegalStateError):
            log.info("commit_overtaken", topic=partition.topic, partition=partition.partition)

    def _own_name(self, partition: TopicPartition) -> str:
        return str(partition.topic).removeprefix(self._kafka.topic_prefix)


async def _soon(event: asyncio.Event) -> None:
    """Wait for the event, but no longer than one poll."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), _POLL_MS / 1000)
    event.clear()
