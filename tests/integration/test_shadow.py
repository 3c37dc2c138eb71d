"""A shadow beside a live worker, on the embedded broker: it concludes the same, and touches nothing that is live."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from loop.planted import TENANT, spike, verdict
from loop.waiting import until
from sql_facts import fresh_store

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.embedded import EmbeddedBroker
from broker.topics import ensure_topics
from broker.view import read_all
from events import FilterVerdict
from events.topics import BOOKS, FILTER_VERDICTS, LEDGER, SHADOW_LEDGER, TOPICS
from policy import LoadedPolicy, load_policy, parse_policy
from sql.follow import ArchiverSettings
from sql.query import run_query
from sql.store import Store
from streams.rehearsal import Rehearsal
from streams.run import run_worker
from streams.settings import WorkerSettings
from streams.shadow import run_shadow
from watchfloor.processes import run_archiver

pytestmark = pytest.mark.embedded

PARTITIONS = 2
SETTINGS = WorkerSettings(session_seconds=6, flush_seconds=0.05)
LIVE = load_policy("demo")
STRICT = parse_policy(
    "extends: demo\nname: strict\nauthor: test\nmode: observe\n"
    "detectors:\n  repeat_offender:\n    review_at: 0.2\n    restrict_at: 0.3\n    block_at: 0.9\n",
    "strict",
)


def events() -> list[FilterVerdict]:
    """Two users who are refused again and again, one who was twice, and a category that spikes."""
    start = datetime.now(UTC) - timedelta(hours=5)  # noqa: TID251  the broker lives on the wall clock
    refused = {"category": "hate", "provider_category": "hate", "stage": "prompt", "state": "blocked", "severity": 3}
    found = list(spike(start, minutes=60, spike_at=40, spike_minutes=5))
    for user, times in ((1, 12), (2, 9), (3, 2)):
        moments = (start + timedelta(minutes=4 * number + user) for number in range(times))
        found += [verdict(f"u{user}-{number}", at, user=user, **refused) for number, at in enumerate(moments)]
    return sorted(found, key=lambda event: event.at)


EVENTS = events()


def outgoing() -> list[Outgoing]:
    return [
        Outgoing(
            FILTER_VERDICTS.name,
            f"{one.tenant}|{one.subject}".encode(),
            one.model_dump_json(exclude_none=True).encode(),
            timestamp_ms=int(one.at.timestamp() * 1000) + 1,
        )
        for one in EVENTS
    ]


@pytest.fixture
async def kafka(tmp_path: Path) -> AsyncIterator[KafkaSettings]:
    async with EmbeddedBroker(tmp_path / "broker.log", partitions=PARTITIONS) as broker:
        settings = broker.settings.model_copy(update={"topic_prefix": "ours-"})
        await ensure_topics(settings)
        producer = BulkProducer(settings)
        await producer.start()
        await producer.send(outgoing())
        await producer.stop()
        yield settings


@asynccontextmanager
async def running(*jobs: Awaitable[None], stop: asyncio.Event) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def worked(kafka: KafkaSettings, policy: LoadedPolicy, *, shadow: str = "") -> None:
    """Let a worker read everything that is there, and stop it."""
    stop = asyncio.Event()
    if shadow:
        await ensure_topics(kafka.shadowed(shadow))
        job = run_shadow(SETTINGS, kafka.shadowed(shadow), policy=policy, name=shadow, stop=stop)
    else:
        job = run_worker(SETTINGS, kafka, policy=policy, stop=stop)
    own = kafka.shadowed(shadow) if shadow else kafka

    async def applied() -> bool:
        books = {one["partition"]: one["applied"] for one in await values(own, BOOKS.name)}
        return sum(books.values()) == len(EVENTS)

    async with running(job, stop=stop):
        await until(applied, "every event is applied", every=0.2)
        await settled(own)


async def settled(kafka: KafkaSettings) -> None:
    """Wait until half a second has passed in which no ledger grew: what was applied is concluded."""
    sizes: list[int] = []

    async def quiet() -> bool:
        sizes.append(len(await values(kafka, LEDGER.name)) + len(await values(kafka, SHADOW_LEDGER.name)))
        return len(sizes) > 6 and len(set(sizes[-6:])) == 1

    await until(quiet, "nothing more is concluded", every=0.1)


async def values(kafka: KafkaSettings, topic: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(one.value or b"") async for one in read_all(kafka, topic, range(PARTITIONS))]


async def live_log(kafka: KafkaSettings) -> dict[str, list[tuple[int, int, bytes | None, bytes | None]]]:
    """Every record of every topic but that of the shadows."""
    found = {}
    for topic in TOPICS:
        records = [one async for one in read_all(kafka, topic, range(PARTITIONS))]
        if topic != SHADOW_LEDGER:
            found[topic.name] = sorted((one.partition, one.offset, one.key, one.value) for one in records)
    return found


def conclusions(entries: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["kind"], one["about"]) for one in entries if one["kind"] in ("decision", "held")}


def check_rehearsal(ledger: list[dict[str, Any]]) -> None:
    """A rehearsal in memory concludes what the live worker did."""
    rehearsal = Rehearsal(LIVE, partitions=PARTITIONS)
    rehearsal.feed(outgoing())
    assert {act.id for act in rehearsal.found.acts} == {one["about"] for one in ledger if one["kind"] == "decision"}
    assert {one.series for one in rehearsal.found.incidents.values()} == {
        one["key"] for one in ledger if one["kind"].startswith("incident")
    }
    assert rehearsal.found.events("applied") == len(EVENTS)


async def test_a_shadow_concludes_what_the_live_worker_does_and_leaves_its_topics_alone(kafka: KafkaSettings) -> None:
    await worked(kafka, LIVE)
    before = await live_log(kafka)
    assert before["enforcements"]
    assert before["incidents"]
    await worked(kafka, LIVE, shadow="same")
    await worked(kafka, STRICT, shadow="strict")
    assert await live_log(kafka) == before
    live, shadowed = await values(kafka, LEDGER.name), await values(kafka, SHADOW_LEDGER.name)
    of = {name: [one for one in shadowed if one["shadow"] == name] for name in ("same", "strict")}
    assert conclusions(of["same"]) == conclusions(live) != set()
    assert len(of["same"]) + len(of["strict"]) == len(shadowed)
    check_rehearsal(live)
    assert {one["kind"] for one in of["strict"]} >= {"held"}
    assert {one["key"] for one in of["strict"] if one["kind"] == "held"} > {
        one["key"] for one in live if one["kind"] in ("held", "decision")
    }


async def test_live_and_shadow_are_compared_by_a_named_query(kafka: KafkaSettings, tmp_path: Path) -> None:
    await worked(kafka, LIVE)
    await worked(kafka, STRICT, shadow="strict")
    sizes = (len(await values(kafka, LEDGER.name)), len(await values(kafka, SHADOW_LEDGER.name)))
    for store in fresh_store(tmp_path / "clickhouse"):
        await archive(kafka, store, sizes)
        found = {one["finding"]: one for one in run_query(store, "shadow_against_live").dicts()}
        warned = found["warn"]
        assert (warned["shadow"], warned["tenant"]) == ("strict", TENANT)
        assert (warned["live"], warned["both"], warned["only_live"]) == (2, 2, 0)
        assert warned["only_shadow"] >= 1
        assert run_query(store, "shadow_against_live", tenants=["elsewhere"]).rows == []


async def archive(kafka: KafkaSettings, store: Store, sizes: tuple[int, int]) -> None:
    """Run an archiver until both ledgers have that many rows."""
    stop = asyncio.Event()

    async def archived() -> bool:
        counts = "SELECT (SELECT count() FROM ledger), (SELECT count() FROM shadow_ledger)"
        return store.query(counts).rows == [sizes]

    job = run_archiver(ArchiverSettings(session_seconds=6, batch_seconds=0.2), kafka, store, stop=stop)
    async with running(job, stop=stop):
        await until(archived, "both ledgers are archived", every=0.2)
