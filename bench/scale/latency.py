"""From a verdict being produced to its enforcement reaching a gateway, idle and under load; no clock but one."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf, isinf
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.brokers import open_broker
from bench.log import kafka_env
from bench.measured import cpu_seconds
from bench.scale.crowd import subject_of
from bench.scale.http import Connection, get
from bench.scale.measurement import Measurement, Scale, from_child
from bench.scale.results import Results, Row, percentile
from bench.scale.site import Api, free_port, running_worker
from bench.table import machine
from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.topics import ensure_topics
from broker.view import Record, TopicTail
from events import Category, FilterVerdict, SubjectKey
from events.topics import ENFORCEMENTS, FILTER_VERDICTS, SIGNALS

RATES = (0, 5_000, 20_000)
"""Events per second beside what is measured."""
_PROBES_PER_SECOND = 10
_STRIKES = 5
"""The fifth grave block of somebody who was never seen before is a warning."""
_WARM_SECONDS = 3.0
_LOOKS, _LOOK_SECONDS = 600, 0.1
"""How long the last enforcements may take."""
_STEPS = (SIGNALS.name, ENFORCEMENTS.name, "gateway")
_TENANT = "probes"


_SHARES = {"p50": 0.5, "p99": 0.99}


class Clock:
    """When each subject's last strike was sent, and when each step after it was seen."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}
        self.seen: dict[str, dict[str, float]] = {step: {} for step in _STEPS}

    def note(self, step: str, subject: str) -> None:
        """A step is visible now; only the first time counts."""
        if subject in self.sent:
            self.seen[step].setdefault(subject, perf_counter())

    def row(self, rate: float) -> Row:
        """Milliseconds from sending to each step; None where so many never got there."""
        row: Row = {"background events/s": rate, "probes": len(self.sent), "enforced": len(self.seen["gateway"])}
        for step, seen in self.seen.items():
            took = [(seen.get(subject, inf) - at) * 1000 for subject, at in self.sent.items()]
            row |= {f"{step} {name} ms": _known(percentile(took, share)) for name, share in _SHARES.items()}
        return row


def _known(milliseconds: float) -> float | None:
    return None if isinf(milliseconds) else milliseconds


@dataclass(frozen=True, slots=True)
class _Site:
    kafka: KafkaSettings
    api: Api
    worker: int
    """Its process id."""


async def latency(scale: Scale) -> Results:
    """Idle first, then under ever more load."""
    with TemporaryDirectory(prefix="watchfloor-scale-") as name:
        folder = Path(name)
        async with open_broker(scale.broker, folder) as broker:
            await ensure_topics(broker.settings)
            async with (
                running_worker(broker.settings, folder) as worker,
                Api.running(broker.settings, folder, port=free_port()) as api,
            ):
                site = _Site(broker.settings, api, worker.pid)
                rows = [await _measured(site, rate=rate, seconds=scale.seconds) for rate in RATES]
        title = f"Verdict produced to enforcement visible, {broker.name}"
    return Results("latency", title, machine(), tuple(rows))


async def _measured(site: _Site, *, rate: int, seconds: float) -> Row:
    clock, probes = Clock(), int(seconds * _PROBES_PER_SECOND)
    subjects = [subject_of(rate * 1_000 + number) for number in range(probes)]
    producer = BulkProducer(site.kafka)
    await producer.start()
    try:
        await _prepare(producer, subjects)
        async with _watched(site.kafka, site.api, clock):
            loading = asyncio.create_task(_load(site.kafka, rate, _WARM_SECONDS + seconds))
            await asyncio.sleep(_WARM_SECONDS)
            began, cpu = perf_counter(), cpu_seconds(site.worker)
            await _strike(producer, subjects, clock)
            share = (cpu_seconds(site.worker) - cpu) / (perf_counter() - began)
            reached = await loading
            await _until_enforced(clock)
    finally:
        await producer.stop()
    return {**clock.row(reached), "CPU of the worker": share}


async def _until_enforced(clock: Clock) -> None:
    for _ in range(_LOOKS):
        if len(clock.seen["gateway"]) == len(clock.sent):
            break
        await asyncio.sleep(_LOOK_SECONDS)


async def _load(kafka: KafkaSettings, rate: int, seconds: float) -> float:
    if not rate:
        return 0.0
    return float((await from_child("load", rate, seconds, env=kafka_env(kafka)))["events per second"])


async def _prepare(producer: BulkProducer, subjects: Iterable[str]) -> None:
    for subject in subjects:
        await producer.send([_strike_of(subject, number) for number in range(_STRIKES - 1)])


async def _strike(producer: BulkProducer, subjects: Iterable[str], clock: Clock) -> None:
    began = perf_counter()
    for number, subject in enumerate(subjects):
        await asyncio.sleep(max(0.0, began + number / _PROBES_PER_SECOND - perf_counter()))
        strike = _strike_of(subject, _STRIKES - 1)
        clock.sent[subject] = perf_counter()
        await producer.send([strike])


def _strike_of(subject: str, number: int) -> Outgoing:
    verdict = FilterVerdict(
        event_id=f"{subject}-{number}:prompt:hate",
        at=datetime.now(UTC) - timedelta(seconds=_STRIKES - number),  # noqa: TID251  the shell's clock
        tenant=_TENANT,
        subject=subject,
        source_format="canonical",
        request_id=f"{subject}-{number}",
        provider="azure.openai",
        model="gpt-4o",
        filter="azure-content-filter",
        stage="prompt",
        category=Category.HATE,
        provider_category="hate",
        state="blocked",
        severity=3,
    )
    key = str(SubjectKey(_TENANT, subject)).encode()
    return Outgoing(FILTER_VERDICTS.name, key, verdict.model_dump_json(exclude_none=True).encode())


@asynccontextmanager
async def _watched(kafka: KafkaSettings, api: Api, clock: Clock) -> AsyncIterator[None]:
    def look(record: Record) -> None:
        key = (record.key or b"").decode().partition("|")[2]
        clock.note(record.topic.removeprefix(kafka.topic_prefix), key)

    tail = TopicTail(kafka, [SIGNALS, ENFORCEMENTS], look)
    await tail.start()
    await tail.caught_up.wait()
    async with Connection.open(api.port) as connection:
        await connection.begin(get("/v1/enforcement/stream?from=now", api.token))
        following = asyncio.create_task(_follow(connection, clock))
        yield
        following.cancel()
    await tail.stop()


async def _follow(connection: Connection, clock: Clock) -> None:
    while line := await connection.reader.readline():
        if line.startswith(b"data: {"):
            clock.note("gateway", json.loads(line[6:]).get("subject", ""))


LATENCY = Measurement("latency", latency)
