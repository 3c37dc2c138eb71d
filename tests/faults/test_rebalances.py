"""Workers that come and go every few seconds, and a broker that crashes under load: the outcome is a quiet day's."""

import asyncio
import random
import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from apache_kafka import ApacheKafka
from loop.outcome import assert_same
from loop.process import worker
from loop.run import Run, Undisturbed

from broker.connection import KafkaSettings

pytestmark = pytest.mark.kafka


async def test_workers_that_join_and_leave_every_few_seconds_change_nothing(
    apache: KafkaSettings, undisturbed: Undisturbed, tmp_path: Path, told: Callable[[str], None]
) -> None:
    seed, started, visits = random.SystemRandom().getrandbits(32), monotonic(), 0
    chance = random.Random(seed)
    told(f"seed {seed}")
    with worker(apache, tmp_path / "staying.log", batch_records=100) as staying:
        async with Run.fed(apache, undisturbed.records) as run:
            while run.share < 1:
                with worker(apache, tmp_path / f"visitor-{visits}.log", batch_records=100) as visitor:
                    await asyncio.sleep(chance.uniform(1, 5))
                    visitor.send(chance.choice((signal.SIGTERM, signal.SIGKILL)))
                    await asyncio.to_thread(visitor.wait)
                visits += 1
            done = await run.done()
            assert staying.code is None
    opened = staying.said.count('"lane_opened"')
    told(f"{visits} visits, {opened} lanes opened by who stayed, {monotonic() - started:.1f} s")
    assert_same(done, undisturbed.outcome)


async def test_a_broker_that_crashes_under_load_changes_nothing(
    apache_kafka: ApacheKafka,
    apache: KafkaSettings,
    undisturbed: Undisturbed,
    tmp_path: Path,
    told: Callable[[str], None],
) -> None:
    started = monotonic()
    with worker(apache, tmp_path / "worker.log", batch_records=500) as process:
        async with Run.fed(apache, undisturbed.records) as run:
            await run.reaches(0.4)
            await asyncio.to_thread(apache_kafka.kill)
            apache_kafka.launch()
            await asyncio.to_thread(apache_kafka.wait_until_serving)
            done = await run.done()
            assert process.code is None
    told(f"{monotonic() - started:.1f} s")
    assert_same(done, undisturbed.outcome)


async def test_a_worker_that_loses_its_session_again_and_again_loses_nothing_else(
    apache: KafkaSettings, undisturbed: Undisturbed, tmp_path: Path, told: Callable[[str], None]
) -> None:
    """It comes back to a group that knows it no more, often before it has found its place in the last one."""
    seed, started = random.SystemRandom().getrandbits(32), monotonic()
    chance, pauses = random.Random(seed), 0
    told(f"seed {seed}")
    with worker(apache, tmp_path / "worker.log", batch_records=100, session_seconds=1) as process:
        async with Run.fed(apache, undisturbed.records) as run:
            while run.share < 1 and monotonic() - started < 12:
                process.send(signal.SIGSTOP)
                await asyncio.sleep(chance.uniform(1, 2))
                process.send(signal.SIGCONT)
                await asyncio.sleep(chance.uniform(0.05, 1.5))
                pauses += 1
            done = await run.done()
    told(f"{pauses} pauses, {process.said.count('lane_opened')} lanes opened, {monotonic() - started:.1f} s")
    assert_same(done, undisturbed.outcome)
