"""Sends many records at once, in whole batches, with or without a transaction; it reads nothing."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import InvalidProducerEpoch, KafkaConnectionError, KafkaError, ProducerFenced

from broker.connection import KafkaSettings
from broker.errors import BrokerUnreachable, Fenced, SendFailed, TransactionsUnsupported
from broker.partitioner import partition_of

_BATCH_BYTES = 512 * 1024
"""Before compression; well below the brokers' default limit of 1 MiB per batch."""


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

    Starting a second producer under the same transactional id fences the first: its next commit raises Fenced.
    """

    def __init__(self, settings: KafkaSettings, transactional_id: str | None = None) -> None:
        """Raises TransactionsUnsupported for a transactional id on the embedded broker."""
        if transactional_id and settings.embedded:
            raise TransactionsUnsupported
        self._settings = settings
        self._transactional_id = transactional_id
        self._turn = count()
        self._lock = asyncio.Lock()
        self._fenced = False
        self._producer: Any = None

    async def start(self) -> None:
        """Connect; with a transactional id, fence whoever used it before and abort what they left open.

        Raises BrokerUnreachable.
        """
        self._producer = AIOKafkaProducer(
            **self._settings.options(),
            acks="all",
            enable_idempotence=not self._settings.embedded,
            transactional_id=self._transactional_id,
            compression_type="lz4",
            max_batch_size=_BATCH_BYTES,
        )
        try:
            await self._producer.start()
        except BaseException as error:
            await self._producer.stop()
            if isinstance(error, KafkaConnectionError):
                raise BrokerUnreachable(self._settings.bootstrap) from error
            raise

    async def stop(self) -> None:
        """Disconnect; what was sent before is acknowledged or has failed."""
        if self._producer is not None:
            await self._producer.stop()

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Send the records, each partition's in the order given, and wait until all are acknowledged by all replicas.

        With a transactional id they go in one transaction. Raises SendFailed or Fenced.
        """
        await self.commit(records, {}, "")

    async def commit(self, records: Sequence[Outgoing], offsets: Mapping[tuple[str, int], int], group_id: str) -> None:
        """Send the records and, in the same transaction, the group's next offsets by (wire topic, partition).

        Without a transactional id the offsets are left to the caller, who commits them after this returns.
        Raises SendFailed or Fenced; then nothing of the transaction is visible to `read_committed` readers. A producer
        whose second attempt fails too is lost: stop it and start another.
        """
        try:
            if self._transactional_id is None:
                await self._deliver(records)
            else:
                await self._transact(records, offsets, group_id)
        except (ProducerFenced, InvalidProducerEpoch) as error:
            self._fenced = True
            raise Fenced(self._transactional_id or "") from error
        # AssertionError: what aiokafka says when a producer is used again after a fatal error.
        except (KafkaError, AssertionError) as error:
            raise SendFailed(type(error).__name__) from error

    async def _transact(
        self, records: Sequence[Outgoing], offsets: Mapping[tuple[str, int], int], group_id: str
    ) -> None:
        if self._fenced:
            raise Fenced(self._transactional_id or "")
        if not records and not offsets:
            return
        async with self._lock, self._producer.transaction():
            await self._deliver(records)
            if offsets:
                positions = {TopicPartition(topic, part): offset for (topic, part), offset in offsets.items()}
                await self._producer.send_offsets_to_transaction(positions, group_id)

    async def _deliver(self, records: Iterable[Outgoing]) -> None:
        parted: defaultdict[tuple[str, int], list[Outgoing]] = defaultdict(list)
        for record in records:
            parted[record.topic, self._partition(record)].append(record)
        # Every outcome is awaited: aiokafka would commit a transaction in which a batch has failed.
        outcomes = await asyncio.gather(
            *(self._deliver_partition(topic, part, batch) for (topic, part), batch in parted.items()),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _deliver_partition(self, topic: str, partition: int, records: list[Outgoing]) -> None:
        name = self._settings.wire_name(topic)
        sent = []
        batch = self._producer.create_batch()
        for record in records:
            fields = {"timestamp": record.timestamp_ms, "key": record.key, "value": record.value}
            if batch.append(**fields) is None:
                sent.append(await self._producer.send_batch(batch, name, partition=partition))
                batch = self._producer.create_batch()
                batch.append(**fields)
        batch.close()
        sent.append(await self._producer.send_batch(batch, name, partition=partition))
        for outcome in await asyncio.gather(*sent, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    def _partition(self, record: Outgoing) -> int:
        if record.partition is not None:
            return record.partition
        key = record.key if record.partition_key is None else record.partition_key
        if key is None:
            return next(self._turn) % self._settings.partitions
        return partition_of(key, self._settings.partitions)
