"""Sends many records at once, in whole batches, with or without a transaction; it reads nothing."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any, Literal, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import InvalidProducerEpoch, KafkaConnectionError, KafkaError, ProducerFenced

from broker.connection import KafkaSettings
from broker.errors import BrokerError, BrokerUnreachable, Fenced, SendFailed, TransactionsUnsupported
from broker.leave import leave
from broker.partitioner import partition_of

_log = logging.getLogger(__name__)

_STOP_SECONDS = 10.0
_BATCH_BYTES = 512 * 1024
"""Before compression; well below the brokers' default limit of 1 MiB per batch."""

Compression = Literal["lz4", "snappy"]
"""lz4, which the client runs at level 9, for events: half the bytes. snappy, a tenth of the time, for flushes."""


class Outgoing(NamedTuple):
    """A record on its way to the log.

    `topic` is the topic's own name, without the settings' prefix. The partition is `partition` if given, else that
    of `partition_key`, else that of `key`, else the next in turn. A None `value` deletes the key from a compacted
    topic. `timestamp_ms` is milliseconds since 1970; the time of sending when None.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    partition_key: bytes | None = None
    timestamp_ms: int | None = None


class BulkProducer:
    """A producer for batches: one per process, or one per input partition when it has a transactional id.

    Starting a second producer under the same transactional id fences the first, whose commits raise Fenced from then
    on. While no broker answers, records wait; a caller that cannot wait sets its own timeout and does not know then
    whether they will arrive.
    """

    def __init__(
        self, settings: KafkaSettings, transactional_id: str | None = None, *, compression: Compression = "lz4"
    ) -> None:
        """Raises TransactionsUnsupported for a transactional id on the embedded broker."""
        if transactional_id and settings.embedded:
            raise TransactionsUnsupported
        self._settings = settings
        self._transactional_id = transactional_id
        self._compression = compression
        self._turn = count()
        self._lock = asyncio.Lock()
        self._failure: BrokerError | None = None
        self._producer: Any = None

    async def start(self) -> None:
        """Connect; with a transactional id, fence whoever used it before and abort what they left open.

        After this, readers see all that was ever committed under the transactional id. Raises BrokerUnreachable.
        """
        producer = AIOKafkaProducer(
            **self._settings.options(),
            acks="all",
            enable_idempotence=not self._settings.embedded,
            transactional_id=self._transactional_id,
            compression_type=self._compression,
            max_batch_size=_BATCH_BYTES,
        )
        try:
            await producer.start()
        except BaseException as error:
            await _stop(producer)
            if isinstance(error, KafkaConnectionError):
                raise BrokerUnreachable(self._settings.bootstrap) from error
            raise
        self._producer, self._failure = producer, None

    async def stop(self) -> None:
        """Disconnect when what was sent is acknowledged or has failed, or after ten seconds."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Send the records, each partition's in the order given, and wait until all replicas have acknowledged all.

        With a transactional id they go in one transaction. Raises SendFailed or Fenced.
        """
        await self.commit(records, {}, "")

    async def commit(self, records: Sequence[Outgoing], offsets: Mapping[tuple[str, int], int], group_id: str) -> None:
        """Send the records and, in the same transaction, the group's next offsets by (wire topic, partition).

        Without a transactional id the offsets are left to the caller, who commits them after this returns.
        Raises SendFailed or Fenced. In a transaction, nothing of it is visible to `read_committed` readers then, and
        the producer is lost: every later call raises the same, since only its successor may take the id again.
        """
        if self._failure:
            await self._recover(self._failure)
        # Held on to: another caller may replace a failed producer meanwhile.
        producer = self._producer
        try:
            if self._transactional_id is None:
                await self._deliver(producer, records)
            elif records or offsets:
                await self._transact(producer, records, offsets, group_id)
        except (ProducerFenced, InvalidProducerEpoch) as error:
            self._failure = Fenced(self._transactional_id or "")
            raise self._failure from error
        except KafkaError as error:
            self._failure = SendFailed(type(error).__name__)
            raise self._failure from error

    async def _recover(self, failure: BrokerError) -> None:
        """Replace a producer that skipped a sequence number: the broker would refuse all that it sends there."""
        if self._transactional_id:
            raise failure
        async with self._lock:
            if self._failure:
                await self.stop()
                await self.start()

    async def _transact(
        self, producer: Any, records: Sequence[Outgoing], offsets: Mapping[tuple[str, int], int], group_id: str
    ) -> None:
        async with self._lock:
            transaction = producer.transaction()
            await transaction.__aenter__()
            try:
                await self._deliver(producer, records)
                if offsets:
                    positions = {TopicPartition(topic, part): offset for (topic, part), offset in offsets.items()}
                    await producer.send_offsets_to_transaction(positions, group_id)
            except Exception as error:
                # Not when cancelled: at a process's end nobody is left who would send the abort. The successor aborts.
                await transaction.__aexit__(type(error), error, error.__traceback__)
                raise
            await transaction.__aexit__(None, None, None)

    async def _deliver(self, producer: Any, records: Iterable[Outgoing]) -> None:
        parted: defaultdict[tuple[str, int], list[Outgoing]] = defaultdict(list)
        for record in records:
            parted[record.topic, self._partition(record)].append(record)
        await _all(
            self._deliver_partition(producer, self._settings.wire_name(topic), partition=part, records=batch)
            for (topic, part), batch in parted.items()
        )

    async def _deliver_partition(self, producer: Any, topic: str, *, partition: int, records: list[Outgoing]) -> None:
        sent = []
        batch = producer.create_batch()
        for record in records:
            fields = {"timestamp": record.timestamp_ms, "key": record.key, "value": record.value}
            if batch.append(**fields) is None:
                sent.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(**fields)
        batch.close()
        sent.append(await producer.send_batch(batch, topic, partition=partition))
        await _all(sent)

    def _partition(self, record: Outgoing) -> int:
        if record.partition is not None:
            return record.partition
        key = record.key if record.partition_key is None else record.partition_key
        if key is None:
            return next(self._turn) % self._settings.partitions
        return partition_of(key, self._settings.partitions)


async def _all(outcomes: Iterable[Awaitable[Any]]) -> None:
    """Wait for every outcome, then raise the first failure: aiokafka would commit what is left of a transaction."""
    for outcome in await asyncio.gather(*outcomes, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def _stop(producer: Any) -> None:
    if not await leave(producer, seconds=_STOP_SECONDS):
        _log.warning("producer_stopped_with_records_unsent")
