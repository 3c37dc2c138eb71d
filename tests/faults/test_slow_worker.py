"""A worker slower than its input, half of which is one user's: memory stays bounded, nobody rebalances, lag is seen."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic

import msgspec
import pytest
from apache_kafka import ApacheKafka
from loop.archive import send
from loop.fixed import fixed_input
from loop.metrics import free_port, metric
from loop.outcome import Written, assert_same, books_of, settled, written
from loop.process import Process, group_of, worker
from loop.waiting import until

from broker.bulk import Outgoing
from broker.connection import KafkaSettings
from broker.topics import ensure_topics

pytestmark = pytest.mark.kafka
HOT = f"k1.{'h' * 26}"
MOST_GROWTH = 64 << 20


def half_of_it_one_users(records: Sequence[Outgoing]) -> Iterator[Outgoing]:
    """Every other record is told of the same subject, in the same tenant."""
    for number, record in enumerate(records):
        if number % 2:
            yield record
            continue
        event = msgspec.json.decode(record.value or b"") | {"subject": HOT}
        yield record._replace(key=f"{event['tenant']}|{HOT}".encode(), value=msgspec.json.encode(event))


def memory_of(process: Process) -> int:
    """Resident bytes, as Linux tells."""
    return int(Path(f"/proc/{process.pid}/statm").read_text("utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.asynccontextmanager
async def throttled(process: Process, *, runs: float, rests: float) -> AsyncIterator[None]:
    """The process gets the processor only for `runs` seconds out of `runs` + `rests`."""

    async def throttle() -> None:
        while True:
            process.send(signal.SIGSTOP)
            await asyncio.sleep(rests)
            process.send(signal.SIGCONT)
            await asyncio.sleep(runs)

    task = asyncio.create_task(throttle())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        process.send(signal.SIGCONT)


async def finished(kafka: KafkaSettings, records: int) -> Written:
    """Wait until all is read and settled; what came of it."""

    async def read() -> bool:
        return sum(books.read for books in (await books_of(kafka)).values()) == records

    await until(read, "all is read", seconds=300, every=0.5)
    await until(lambda: settled(kafka, group_of(kafka)), "the lanes are settled", seconds=300, every=0.5)
    return await written(kafka)


async def test_a_hot_user_and_a_starved_worker_cost_time_and_nothing_else(
    apache_kafka: ApacheKafka, tmp_path: Path, told: Callable[[str], None]
) -> None:
    records = list(half_of_it_one_users(fixed_input()))
    at_ease, starved = apache_kafka.installation(), apache_kafka.installation()
    for kafka in (at_ease, starved):
        await ensure_topics(kafka)
        await send(kafka, records)
    with worker(at_ease, tmp_path / "at-ease.log") as process:
        expected = (await finished(at_ease, len(records))).outcome
    started, port, lags = monotonic(), free_port(), list[float]()
    with worker(starved, tmp_path / "starved.log", metrics_port=port, session_seconds=6) as process:
        await until(lambda: '"worker_started"' in process.said, "it runs")
        before, most = memory_of(process), 0
        async with throttled(process, runs=0.05, rests=0.25):
            finishing = asyncio.create_task(finished(starved, len(records)))
            while not finishing.done():
                most = max(most, memory_of(process))
                lags.append(sum((await metric(port, "watchfloor_lag_records")).values()))
                await asyncio.sleep(0.2)
            found = await finishing
        lags.append(sum((await metric(port, "watchfloor_lag_records")).values()))
        opened = process.said.count('"lane_opened"')
    told(
        f"{len(records):,} records in {monotonic() - started:.0f} s; lag up to {max(lags):,.0f}, then {lags[-1]:.0f}; "
        f"memory {before >> 20} MiB, then up to {most >> 20}; {opened} lanes opened"
    )
    assert_same(found, expected)
    assert max(lags) > len(records) / 4
    assert lags[-1] == 0
    assert most - before < MOST_GROWTH
    assert opened == 4 * starved.partitions
