"""A client whose membership of its group has ended in silence: the process says so and ends."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from loop.waiting import until

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.errors import Fenced, MembershipLost
from broker.group import GroupConsumer
from broker.topics import ensure_topics
from broker.view import Record, read_all
from events.topics import REQUEST_LOGS
from policy import load_policy
from sql.archiver import Archiver
from sql.follow import ArchiverSettings, Follower
from sql.settings import StoreSettings
from sql.store import open_store
from streams.app import Worker, create_app
from streams.lanes import INPUTS
from streams.run import run_worker
from streams.settings import WorkerSettings

pytestmark = pytest.mark.kafka


class Member:
    """A consumer in a group of its own, and what it told of its membership."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.told: list[MembershipLost] = []
        self.group = f"{kafka.topic_prefix}group"
        self.consumer = GroupConsumer(
            kafka.wire_name(REQUEST_LOGS),
            on_lost=self.told.append,
            group_id=self.group,
            auto_offset_reset="earliest",
            **kafka.options(),
        )


@pytest.fixture
async def member(apache: KafkaSettings) -> AsyncIterator[Member]:
    await ensure_topics(apache, [REQUEST_LOGS])
    member = Member(apache)
    await member.consumer.start()
    await until(member.consumer.assignment, "it is in the group")
    yield member
    await member.consumer.stop()


def end_membership(consumer: GroupConsumer) -> None:
    """What a rebalance that meets a broker's restart does now and then."""
    consumer._coordinator._coordination_task.cancel()


def forget_topics(consumer: GroupConsumer) -> None:
    """What is known of a broker that has just come back, when a rebalance comes first."""
    consumer._client.cluster._partitions = {}
    consumer._coordinator.request_rejoin()


def shown(record: Record) -> tuple[object, ...]:
    return record.offset, record.timestamp, record.key, record.value


async def test_records_have_their_place_time_key_and_value(apache: KafkaSettings, member: Member) -> None:
    producer = BulkProducer(apache)
    await producer.start()
    await producer.send([Outgoing(REQUEST_LOGS.name, b"k", b"v%d" % number, 2) for number in range(3)])
    await producer.stop()
    found: list[Any] = []
    while len(found) < 3:
        for batch in (await member.consumer.getmany(timeout_ms=100)).values():
            found += batch
    usual = [one async for one in read_all(apache, REQUEST_LOGS, [2])]
    assert [shown(one) for one in found] == [shown(one) for one in usual]
    assert [one.value for one in found] == [b"v0", b"v1", b"v2"]


async def test_a_lost_membership_is_told_once_and_raised_to_who_reads(member: Member) -> None:
    end_membership(member.consumer)
    await until(lambda: member.told, "it is told")
    for _ in range(2):
        with pytest.raises(MembershipLost, match=rf"no longer a member of group {member.group} \(cancelled\)"):
            await member.consumer.getmany(timeout_ms=10)
    assert len(member.told) == 1


async def test_a_member_that_knew_of_no_partitions_when_it_shared_them_out_asks_again_soon(member: Member) -> None:
    forget_topics(member.consumer)
    await until(lambda: not member.consumer.assignment(), "nothing is shared out")
    await until(member.consumer.assignment, "it has its partitions again", seconds=30)
    assert member.told == []


async def test_an_orderly_end_tells_nothing(member: Member) -> None:
    assert await member.consumer.getmany(timeout_ms=10) == {}
    await member.consumer.stop()
    await asyncio.sleep(0)
    assert member.told == []


class Running:
    """A worker on the test's event loop, with all its lanes open."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self.stop = asyncio.Event()
        self.app: Worker
        self.task: asyncio.Task[None]

    async def start(self) -> None:
        self.task = asyncio.create_task(
            run_worker(
                WorkerSettings(session_seconds=6),
                self._kafka,
                policy=load_policy("azure-default"),
                stop=self.stop,
                create=self._created,
            )
        )
        everything = len(INPUTS) * self._kafka.partitions
        await until(lambda: hasattr(self, "app") and len(self.app.checkpoint.lanes()) == everything, "lanes are open")

    def _created(self, *args: Any) -> Worker:
        self.app = create_app(*args)
        return self.app


@pytest.fixture
async def running(apache: KafkaSettings) -> Running:
    """Each test makes it end, and sees how."""
    await ensure_topics(apache)
    running = Running(apache)
    await running.start()
    return running


async def test_a_worker_without_membership_ends_with_the_reason(running: Running) -> None:
    thread = running.app.consumer._thread
    thread.thread_loop.call_soon_threadsafe(end_membership, thread._consumer)
    async with asyncio.timeout(30):
        with pytest.raises(MembershipLost):
            await running.task


async def test_a_worker_whose_lane_is_taken_without_a_rebalance_ends_with_the_reason(
    apache: KafkaSettings, running: Running
) -> None:
    running.app.checkpoint.patience = 1
    usurper = BulkProducer(apache, f"{running.app.conf.id}-observe-0")
    await usurper.start()
    await usurper.send([Outgoing(REQUEST_LOGS.name, b"key", b"no event", partition=0)])
    async with asyncio.timeout(30):
        with pytest.raises(Fenced, match="observe-0"):
            await running.task
    await usurper.stop()


async def test_a_worker_that_cannot_leave_its_group_stops_all_the_same(running: Running) -> None:
    leave, running.app.leave_seconds = running.app.stop, 0.5
    running.app.stop = asyncio.Event().wait
    running.stop.set()
    async with asyncio.timeout(10):
        await running.task
    await leave()


async def test_a_worker_whose_client_breaks_off_while_it_leaves_stops_all_the_same(running: Running) -> None:
    leave = running.app.stop

    async def broken_off() -> None:
        raise asyncio.CancelledError

    running.app.stop = broken_off
    running.stop.set()
    async with asyncio.timeout(10):
        await running.task
    await leave()


async def test_an_archiver_without_membership_ends_with_the_reason(apache: KafkaSettings, tmp_path: Path) -> None:
    await ensure_topics(apache)
    store = open_store(StoreSettings(path=tmp_path / "clickhouse"))
    archiver = Archiver(store, 1, clock=lambda: datetime.now(UTC))  # noqa: TID251  the shell tells the time
    follower = Follower(ArchiverSettings(), apache, archiver=archiver, on_stored=lambda _topic, _report: None)
    running = asyncio.create_task(follower.run(asyncio.Event()))
    await until(lambda: follower._consumer.assignment(), "it is in the group")
    end_membership(follower._consumer)
    async with asyncio.timeout(30):
        with pytest.raises(MembershipLost):
            await running
    store.close()
