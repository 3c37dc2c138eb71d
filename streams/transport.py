"""A Faust transport that delivers one message per partition and fetch, holding all its records; it decodes nothing.

Faust's cost is per message, so the batch is the message. Offsets are not committed by Faust: the checkpoint
commits them together with the state that they produced (docs/adr/0003).
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode.threads import WorkerThread

from broker.errors import MembershipLost
from broker.group import GroupConsumer
from streams.reading import Reading

SCHEME = "batched"
_FETCH_WAIT_MS = 100
_THREAD_SECONDS = 2.0


class Batch(NamedTuple):
    """What one fetch found in one partition."""

    reading: int
    """Apply it only while this is the consumer's reading; of another, earlier batches may be missing."""
    records: list[Any]


class _Thread(WorkerThread):
    """Ends with the process, even when a rebalance keeps it from ending by itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.daemon = True

    def stop(self) -> None:
        """Wait for its end, but not for long: the worker's event loop waits with us."""
        self.is_stopped.wait(_THREAD_SECONDS)


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The consumer's own thread and event loop. Partitions of co-keyed topics go to the same worker."""

    Worker = _Thread

    def _create_worker_consumer(self, transport: Any) -> GroupConsumer:
        conf = self.app.conf
        self._assignor = RangePartitionAssignor
        return GroupConsumer(
            on_lost=self._tell_app,
            client_id=conf.broker_client_id,
            group_id=conf.id,
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            max_poll_records=conf.broker_max_poll_records,
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            max_poll_interval_ms=int((conf.broker_max_poll_interval or 0) * 1000),
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            **self.app.client_options,
        )

    def _tell_app(self, failure: MembershipLost) -> None:
        asyncio.run_coroutine_threadsafe(self.app.crash(failure), self.parent_loop)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek in every partition, to its beginning where nothing is committed; Faust leaves those where they are."""
        found: Mapping[TP, int] = await self.call_thread(self._seek_to_committed)
        return found

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        found: Mapping[TP, int] = await consumer.seek_to_committed()
        for tp in consumer.assignment():
            if not found.get(tp):
                consumer.seek(tp, 0)
        return found

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's livelock detector knows nothing of our commits; lag and flush age are metrics instead."""


class BatchConsumer(driver.Consumer):
    """Yields each fetch of a partition as one message; its value is the list of records, its offset the last one."""

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reading = Reading()
        self._fetching = asyncio.Lock()

    def stop_flow(self) -> None:
        """A rebalance begins: what is under way will be read again."""
        super().stop_flow()
        self.reading.end()

    def resume_flow(self) -> None:
        """Fetch again."""
        super().resume_flow()
        self.reading.resume()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek while nothing is being fetched."""
        async with self._fetching:
            with self.reading.seeking():
                found: Mapping[TP, int] = await super().seek_to_committed()
        return found

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109
        """Fetch, and yield one message per partition. A batch that a rebalance overtakes is read again later."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        async with self._fetching:
            reading = self.reading.number
            if reading is None or not self.flow_active:
                # Nothing is fetched: the position would move past what nobody may apply.
                await self.sleep(_FETCH_WAIT_MS / 1000)
                return
            records, active = await self._wait_next_records(timeout)
        if records is None or self.should_stop:
            return
        for tp, batch in records.items():
            if not self.flow_active or self.reading.number != reading:
                return
            if batch and (active is None or tp in active or tp in self._buffered_partitions):
                yield tp, self._message(tp, Batch(reading, batch))

    def _message(self, tp: TP, batch: Batch) -> ConsumerMessage:
        last = batch.records[-1]
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            (),
            None,
            batch,
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Faust tells gaps from records not yet acknowledged, to commit behind them; here the checkpoint commits."""

    def lag(self, tp: TP, next_offset: int) -> int:
        """Records from `next_offset` on, as far as the last fetch knew; 0 for a partition that is not ours any more."""
        try:
            return max(0, (self._thread.highwater(tp) or 0) - next_offset)
        except (AssertionError, AttributeError):
            return 0

    async def commit_offsets(self, offsets: Mapping[TP, int]) -> bool:
        """Commit what a checkpoint has made durable; for brokers without transactions."""
        committed: bool = await self._thread.commit(offsets)
        return committed


class BatchTransport(driver.Transport):
    """The aiokafka transport with the batch consumer."""

    Consumer = BatchConsumer


def register() -> None:
    """Make `batched://host:port` known to Faust; repeating it changes nothing."""
    TRANSPORTS.aliases[SCHEME] = f"{__name__}:BatchTransport"
