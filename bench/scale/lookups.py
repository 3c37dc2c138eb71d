"""Enforcement lookups over HTTP: how many a second one core answers, and how soon; client and server on a core each."""

import asyncio
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from alerts.enforcement import Enforcement, Measured
from bench.brokers import open_broker
from bench.measured import cpu_seconds
from bench.scale.crowd import subject_of
from bench.scale.errors import WrongAnswer
from bench.scale.http import Connection, get, post
from bench.scale.measurement import Measurement, Scale
from bench.scale.results import Results, Row, percentile
from bench.scale.site import Api, free_port
from bench.table import machine
from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.topics import ensure_topics
from events import SubjectKey
from events.topics import ENFORCEMENTS

_TENANT = "acme"
_ENFORCED = 10_000
"""Subjects about whom something was decided; as many that nobody knows are asked for too."""
_MOST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Shape:
    """How is asked: so many connections, so many subjects per request (one: a GET)."""

    connections: int
    batch: int = 1


SHAPES = (Shape(1), Shape(8), Shape(32), Shape(128), Shape(4, batch=100), Shape(4, batch=1000))


async def lookups(scale: Scale) -> Results:
    """Every shape in turn, on one API."""
    with TemporaryDirectory(prefix="watchfloor-scale-") as name:
        async with open_broker("embedded", Path(name)) as broker:
            await ensure_topics(broker.settings)
            await _enforce(broker.settings)
            async with Api.running(broker.settings, Path(name), port=free_port()) as api:
                with _apart(api.child.pid):
                    seconds = min(scale.seconds, _MOST_SECONDS)
                    rows = [await _measured(api, shape, seconds=seconds) for shape in SHAPES]
    return Results("lookups", f"Enforcement lookups, {_ENFORCED:,} subjects enforced", machine(), tuple(rows))


async def _measured(api: Api, shape: Shape, *, seconds: float) -> Row:
    requests = list(islice(requests_of(shape, api.token), 1_000))
    cpu, own, began = cpu_seconds(api.child.pid), process_time(), perf_counter()
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(Connection.open(api.port)) for _ in range(shape.connections)]
        asking = (_ask(one, requests[number:], until=began + seconds) for number, one in enumerate(opened))
        took = [one for each in await asyncio.gather(*asking) for one in each]
    passed, subjects = perf_counter() - began, len(took) * shape.batch
    cpu = cpu_seconds(api.child.pid) - cpu
    return {
        "connections": shape.connections,
        "subjects per request": shape.batch,
        "lookups/s": subjects / passed,
        "requests/s": len(took) / passed,
        "p50 ms": percentile(took, 0.5),
        "p99 ms": percentile(took, 0.99),
        "lookups per CPU second": subjects / cpu,
        "CPU of the API": cpu / passed,
        "CPU of the client": (process_time() - own) / passed,
    }


async def _ask(connection: Connection, requests: Sequence[bytes], *, until: float) -> list[float]:
    took = []
    for request in cycle(requests):
        sent = perf_counter()
        if sent > until:
            break
        answer = await connection.ask(request)
        took.append((perf_counter() - sent) * 1000)
        if answer.status != 200:
            raise WrongAnswer(answer.status)
    return took


def requests_of(shape: Shape, token: str) -> Iterable[bytes]:
    """Requests without end, every other subject an enforced one."""
    people = cycle(range(2 * _ENFORCED))
    while True:
        asked = [subject_of(person) for person in islice(people, shape.batch)]
        if shape.batch == 1:
            yield get(f"/v1/enforcement/{_TENANT}/{asked[0]}", token)
        else:
            body = {"subjects": [{"tenant": _TENANT, "subject": subject} for subject in asked]}
            yield post("/v1/enforcement:batch", token, json.dumps(body).encode())


async def _enforce(kafka: KafkaSettings) -> None:
    producer = BulkProducer(kafka)
    await producer.start()
    await producer.send([_enforcement(2 * number) for number in range(_ENFORCED)])
    await producer.stop()


def _enforcement(person: int) -> Outgoing:
    subject, at = subject_of(person), datetime.now(UTC)  # noqa: TID251  the shell's clock
    measure = Measured(decision_id=f"dec_{person}", standing="throttled", until=None, message="Slowed down.")
    one = Enforcement(tenant=_TENANT, subject=subject, measures=(measure,), at=at, revision=1)
    return Outgoing(ENFORCEMENTS.name, str(SubjectKey(_TENANT, subject)).encode(), one.model_dump_json().encode())


@contextmanager
def _apart(server: int) -> Iterator[None]:
    """The server on one core, this process on the others, so that neither takes the other's time."""
    before = os.sched_getaffinity(0)
    first, *others = sorted(before)
    for thread in Path(f"/proc/{server}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {first})
    os.sched_setaffinity(0, others or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


LOOKUPS = Measurement("lookups", lookups)
