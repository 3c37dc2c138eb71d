"""A member of a consumer group that reads fast and notices when it is none any more; it decodes and commits nothing."""

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import FetchResult

from broker.errors import MembershipLost

_METADATA_MS = 5_000


def _as_parsed(_partition: TopicPartition, record: Any) -> Any:
    return record


def _listed(found: Any, max_records: int | None = None) -> list[Any]:
    """What aiokafka's `FetchResult.getall` gives and does, without a step of Python for each record."""
    if not found.check_assignment(found._topic_partition) or not found.has_more():
        return []
    records = list(islice(found._partition_records._records_iterator, max_records))
    found._update_position()
    if max_records is None or len(records) < max_records:
        found._partition_records = None
    return records


class _Fetched(dict[TopicPartition, Any]):
    """What was fetched and not yet asked for. Records stay as aiokafka's parser makes them: two thirds are saved."""

    def __setitem__(self, partition: TopicPartition, found: Any) -> None:
        if isinstance(found, FetchResult):
            found._partition_records._consumer_record = _as_parsed
            found.getall = partial(_listed, found)
        super().__setitem__(partition, found)


class GroupConsumer(AIOKafkaConsumer):
    """An aiokafka consumer whose records have `offset`, `timestamp`, `key` and `value`, and who tells of its end.

    aiokafka's task that keeps a consumer in its group can end while the consumer lives on: a rebalance that meets a
    broker's restart cancels it (aio-libs/aiokafka issue 1154). No heartbeat is sent then, no partition comes or goes,
    and whoever waits for records waits for ever.

    A broker that has just come back may not know its topics yet, and a member that shares out partitions then shares
    out none. It asks again when what it knows is old: after five seconds here, by default after five minutes.
    """

    def __init__(self, *topics: str, on_lost: Callable[[MembershipLost], None] | None = None, **options: Any) -> None:
        """`on_lost` is called once, in the consumer's event loop, with what `getmany` raises from then on."""
        super().__init__(*topics, **{"metadata_max_age_ms": _METADATA_MS} | options)
        self._on_lost = on_lost
        self._lost: MembershipLost | None = None

    async def start(self) -> None:
        """Connect and join the group."""
        await super().start()
        self._fetcher._records = _Fetched()
        self._coordinator._coordination_task.add_done_callback(self._ended)

    async def getmany(self, *partitions: Any, **options: Any) -> Any:
        """What has arrived, as lists of records by partition. Raises MembershipLost."""
        if self._lost:
            raise self._lost
        return await super().getmany(*partitions, **options)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._closed:
            return
        failure = None if task.cancelled() else task.exception()
        self._lost = MembershipLost(str(self._group_id), type(failure).__name__ if failure else "cancelled")
        if self._on_lost:
            self._on_lost(self._lost)
