"""Two workers of one group: one is paused past its session, or leaves mid-stream; what is durable has one owner."""

import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from loop.outcome import assert_same
from loop.process import Process, worker
from loop.run import Run, Undisturbed
from loop.waiting import until

from broker.connection import KafkaSettings

pytestmark = pytest.mark.kafka


def lanes_opened(process: Process) -> int:
    return process.said.count('"lane_opened"')


async def test_a_worker_paused_past_its_session_overwrites_nothing(
    apache: KafkaSettings, undisturbed: Undisturbed, tmp_path: Path, told: Callable[[str], None]
) -> None:
    started = monotonic()
    async with Run.fed(apache, undisturbed.records) as run:
        with worker(apache, tmp_path / "zombie.log", batch_records=500) as zombie:
            await run.reaches(0.2)
            zombie.send(signal.SIGSTOP)
            with worker(apache, tmp_path / "successor.log", batch_records=500):
                await run.reaches(max(0.5, run.share + 0.1))
                assert run.share < 1
                zombie.send(signal.SIGCONT)
                await until(
                    lambda: zombie.code is not None or '"lane_fenced"' in zombie.said, "the zombie sees that it is one"
                )
                done = await run.done()
                told(f"{_fate(zombie)}, {monotonic() - started:.1f} s")
    assert_same(done, undisturbed.outcome)


def _fate(zombie: Process) -> str:
    return f"the zombie opened {lanes_opened(zombie)} lanes, exit code {zombie.code}"


@pytest.mark.parametrize("leaving", [signal.SIGTERM, signal.SIGKILL])
async def test_one_of_two_workers_that_leaves_mid_stream_loses_nothing(
    apache: KafkaSettings, undisturbed: Undisturbed, tmp_path: Path, leaving: signal.Signals
) -> None:
    with (
        worker(apache, tmp_path / "staying.log", batch_records=500) as staying,
        worker(apache, tmp_path / "leaving.log", batch_records=500) as one,
    ):
        async with Run.fed(apache, undisturbed.records) as run:
            await until(lambda: lanes_opened(staying) and lanes_opened(one), "both have lanes")
            await run.reaches(0.4)
            assert run.share < 1
            one.send(leaving)
            done = await run.done()
            assert staying.code is None
    assert_same(done, undisturbed.outcome)
