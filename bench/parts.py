"""The parts of the work that the floors measure; as a process it measures one of them and prints the result."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter, process_time
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.measured import Measured, peak_bytes
from bench.peers.reading import Reading
from bench.peers.task import Counts
from bench.reference import compared, triggers
from bench.workload import Workload
from broker.connection import KafkaSettings
from broker.partitioner import partition_of
from events import FilterVerdict
from events.decoder import Decoder
from events.topics import FILTER_VERDICTS
from policy import load_policy
from streams.observe import ObserveLane
from streams.settings import WorkerSettings

_BATCH = 5_000
_FETCH_WAIT_MS = 100


@dataclass(slots=True)
class Record:
    """A record as the lanes take it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class _Watch:
    """Adds up wall and CPU time of the stretches that count."""

    def __init__(self) -> None:
        self.seconds = self.cpu = 0.0

    def time(self, work: Callable[[], object]) -> None:
        """Do it and count it."""
        wall, cpu = perf_counter(), process_time()
        work()
        self.seconds += perf_counter() - wall
        self.cpu += process_time() - cpu

    def measured(self, events: int, *, done: int) -> Measured:
        """The result of this process."""
        check = f"{done:,} events" if done == events else f"wrong: {done:,} of {events:,} events"
        return Measured(events, self.seconds, self.cpu, peak_bytes(os.getpid()), check)


async def _apply(workload: Workload, kafka: KafkaSettings) -> Measured:
    return _through_lanes(workload, kafka, drain=lambda _lane: None)


async def _apply_and_drain(workload: Workload, kafka: KafkaSettings) -> Measured:
    return _through_lanes(workload, kafka, drain=lambda lane: lane.drain(0.0))


def _through_lanes(workload: Workload, kafka: KafkaSettings, *, drain: Callable[[ObserveLane], object]) -> Measured:
    policy, count = load_policy(WorkerSettings().policy), kafka.partitions
    lanes = [ObserveLane(number, policy=policy, partitions=count) for number in range(count)]
    logs = [0] * count
    watch, stamp = _Watch(), int(workload.start.timestamp() * 1000) + 86_400_000
    for start in range(0, workload.events, _BATCH):
        batches: list[list[Record]] = [[] for _ in lanes]
        for event in workload.part(start, start + _BATCH):
            partition = partition_of(event.key, count)
            batches[partition].append(Record(logs[partition], stamp, event.key, event.value))
            logs[partition] += 1

        def work(batches: list[list[Record]] = batches) -> None:
            for lane, batch in zip(lanes, batches, strict=True):
                lane.apply(FILTER_VERDICTS.name, batch)
                drain(lane)

        watch.time(work)
    return watch.measured(workload.events, done=sum(lane.intakes[FILTER_VERDICTS.name].books.applied for lane in lanes))


async def _fetch(workload: Workload, kafka: KafkaSettings) -> Measured:
    return await _from_broker(workload, kafka, use=lambda _records: None)


async def _decode(workload: Workload, kafka: KafkaSettings) -> Measured:
    decode = Decoder(FilterVerdict).decode
    return await _from_broker(workload, kafka, use=lambda records: [decode(one.value) for one in records])


async def _count(workload: Workload, kafka: KafkaSettings) -> Measured:
    counts, decode = Counts(), msgspec.json.Decoder(Reading).decode

    def use(records: list[Any]) -> None:
        for one in records:
            counts.add(decode(one.value))

    measured = await _from_broker(workload, kafka, use=use)
    return replace(measured, check=compared(counts.triggers, triggers(workload)))


async def _from_broker(workload: Workload, kafka: KafkaSettings, *, use: Callable[[list[Any]], object]) -> Measured:
    watch, done = _Watch(), 0
    async with _consumer(kafka) as consumer:
        wall, cpu = perf_counter(), process_time()
        while done < workload.events:
            for records in (await consumer.getmany(timeout_ms=_FETCH_WAIT_MS, max_records=_BATCH)).values():
                use(records)
                done += len(records)
        watch.seconds, watch.cpu = perf_counter() - wall, process_time() - cpu
    return watch.measured(workload.events, done=done)


@asynccontextmanager
async def _consumer(kafka: KafkaSettings) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        **kafka.options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=_FETCH_WAIT_MS,
    )
    await consumer.start()
    try:
        topic = kafka.wire_name(FILTER_VERDICTS)
        consumer.assign([TopicPartition(topic, partition) for partition in range(kafka.partitions)])
        yield consumer
    finally:
        await consumer.stop()


_PARTS = {"apply": _apply, "apply-and-drain": _apply_and_drain, "fetch": _fetch, "decode": _decode, "count": _count}


def main() -> None:
    """`python -m bench.parts PART EVENTS START` prints one Measured as JSON."""
    part, events, start = sys.argv[1:]
    workload = Workload(int(events), datetime.fromisoformat(start))
    measured = asyncio.run(_PARTS[part](workload, KafkaSettings()))
    print(msgspec.json.encode(measured).decode())


if __name__ == "__main__":
    main()
