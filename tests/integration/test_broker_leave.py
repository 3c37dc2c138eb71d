"""A consumer ends in bounded time although one of aiokafka's own tasks misses that it is cancelled."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from broker.embedded import EmbeddedBroker
from broker.leave import leave

pytestmark = pytest.mark.embedded


async def deaf(times: int) -> None:
    """Misses so many cancellations, as aiokafka's metadata task can miss one."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


async def test_a_consumer_that_is_stopped_while_its_fetch_waits_for_a_lost_broker_ends(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path / "broker.log", partitions=1) as broker:
        consumer = AIOKafkaConsumer(**broker.settings.options(), group_id=None)
        await consumer.start()
        await asyncio.sleep(0.1)
        waiting = asyncio.create_task(asyncio.sleep(60))  # as a fetch does between two tries
        consumer._fetcher._pending_tasks.add(waiting)
        assert await leave(consumer) is False
        assert waiting.cancelled()
        assert not any(one.connected() for one in consumer._client._conns.values())


@pytest.mark.parametrize("missed", [0, 1, 2])
async def test_a_consumer_ends_although_cancellations_are_missed(tmp_path: Path, missed: int) -> None:
    async with EmbeddedBroker(tmp_path / "broker.log", partitions=1) as broker:
        consumer = AIOKafkaConsumer(**broker.settings.options(), group_id=None)
        await consumer.start()
        own, consumer._client._sync_task = consumer._client._sync_task, asyncio.create_task(deaf(missed))
        await asyncio.sleep(0)
        started = asyncio.get_running_loop().time()
        assert await leave(consumer, seconds=0.5) is (missed == 0)
        assert asyncio.get_running_loop().time() - started < missed + 0.9
        assert not any(one.connected() for one in consumer._client._conns.values())
        own.cancel()
        await asyncio.gather(own, return_exceptions=True)
