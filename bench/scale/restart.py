"""How long a worker takes to be back with many tracked subjects: reading state alone, and real starts and crashes."""

import asyncio
import gc
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import msgspec

from bench.brokers import open_broker
from bench.measured import peak_bytes
from bench.progress import BooksTopic
from bench.scale.crowd import Crowd
from bench.scale.errors import TooSlow
from bench.scale.lanes import Lanes
from bench.scale.measurement import Measurement, Scale, from_child
from bench.scale.results import Results, Row
from bench.scale.site import running_worker
from bench.table import machine
from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.topics import ensure_topics
from events.topics import FILTER_VERDICTS
from policy import load_policy
from streams.lane import Flush
from streams.observe import ObserveLane

_START = datetime(2026, 1, 1, tzinfo=UTC)
_OFFENDERS = 0.01
_POLICY = "azure-default"
_PATIENCE = 180.0
_AT_ONCE = 50_000
_UNCOMPACTED = 5
_PROBES = 200
"""Events that show that a worker is at work; enough for every partition."""


async def restart(scale: Scale) -> Results:
    """The state in memory taken back, a first start on it, and a start after kill -9.

    At three sizes with one version of every state on the log, as compaction leaves it, and at the largest with five.
    """
    rows = []
    for subjects, versions in (*((size, 1) for size in scale.steps(scale.subjects)), (scale.subjects, _UNCOMPACTED)):
        row = await from_child("restart", subjects)
        started = await _started(scale.broker, subjects, versions=versions)
        rows.append({"subjects": subjects, "versions": versions, **row, **started})
    return Results("restart", f"Start of a worker, broker {scale.broker}", machine(), tuple(rows))


def states(subjects: int) -> dict[tuple[int, bytes], bytes]:
    """What the observe lanes keep on their state topic once it is compacted: (partition, key) → value."""
    kept: dict[tuple[int, bytes], bytes] = {}

    def take(flush: Flush) -> None:
        for one in flush.state:
            place = (one.partition or 0, one.key or b"")
            if one.value is None:
                kept.pop(place, None)
            else:
                kept[place] = one.value

    seconds = timedelta(days=1).total_seconds()
    crowd = Crowd(subjects, subjects, _START, seconds, _OFFENDERS)
    Lanes(KafkaSettings().partitions, on_flush=take).feed(crowd.part(0, subjects))
    return kept


def _decoded(subjects: int) -> Row:
    kept, partitions = states(subjects), KafkaSettings().partitions
    gc.collect()
    policy = load_policy(_POLICY)
    lanes = [ObserveLane(number, policy=policy, partitions=partitions) for number in range(partitions)]
    began, cpu = perf_counter(), process_time()
    for (partition, key), value in kept.items():
        lanes[partition].restore(key, value)
    for lane in lanes:
        lane.restored()
    return {
        "subjects": subjects,
        "records": len(kept),
        "state MB": sum(len(key) + len(value) for (_, key), value in kept.items()) / 1e6,
        "decode s": perf_counter() - began,
        "decode CPU s": process_time() - cpu,
    }


async def _started(broker: str, subjects: int, *, versions: int) -> Row:
    with TemporaryDirectory(prefix="watchfloor-scale-") as name:
        folder = Path(name)
        async with open_broker(broker, folder) as opened:
            kafka = opened.settings
            await ensure_topics(kafka)
            await _write(kafka, subjects, versions=versions)
            async with BooksTopic.followed(kafka) as books:
                first, after = await _twice(kafka, folder, books)
    return {"first start s": first[0], "after kill -9 s": after[0], "worker MB": after[1] / 1e6}


async def _write(kafka: KafkaSettings, subjects: int, *, versions: int) -> None:
    producer = BulkProducer(kafka)
    await producer.start()
    records = [
        Outgoing(ObserveLane.state_topic, key, value, partition)
        for (partition, key), value in (await asyncio.to_thread(states, subjects)).items()
        if not key.startswith(b"p|")  # the log of events is empty here: everything that comes must count
    ]
    for start in range(0, versions * len(records), _AT_ONCE):
        await producer.send([records[number % len(records)] for number in range(start, start + _AT_ONCE)])
    await producer.stop()


async def _twice(kafka: KafkaSettings, folder: Path, books: BooksTopic) -> list[tuple[float, int]]:
    found = []
    for number in range(2):
        began = perf_counter()
        async with running_worker(kafka, folder, policy=_POLICY) as child:
            await _works(kafka, books, name=f"x{number}")
            found.append((perf_counter() - began, peak_bytes(child.pid)))
            os.kill(child.pid, signal.SIGKILL)
    return found


async def _works(kafka: KafkaSettings, books: BooksTopic, *, name: str) -> None:
    """New events of every partition are applied and durable."""
    wanted = _PROBES + sum(one.read for one in books.books.values())
    now = datetime.now(UTC)  # noqa: TID251  the shell's clock
    crowd = Crowd(_PROBES, _PROBES, now, 1.0, name=name)
    producer = BulkProducer(kafka)
    await producer.start()
    await producer.send([Outgoing(FILTER_VERDICTS.name, one.key, one.value) for one in crowd.part(0, _PROBES)])
    await producer.stop()
    deadline = perf_counter() + _PATIENCE
    while await books.done() < wanted:
        if perf_counter() > deadline:
            raise TooSlow("the worker is at work", _PATIENCE)


RESTART = Measurement("restart", restart)


def main() -> None:
    """`python -m bench.scale.restart SUBJECTS` takes the state back in memory and prints one row as JSON."""
    print(msgspec.json.encode(_decoded(int(sys.argv[1]))).decode())


if __name__ == "__main__":
    main()
