"""A worker that is killed mid-stream: its successors come to the same outcome, and nothing is committed twice."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from loop.outcome import assert_same
from loop.process import worker
from loop.run import Run, Undisturbed

from broker.connection import KafkaSettings

pytestmark = pytest.mark.kafka


def test_the_undisturbed_outcome_is_worth_comparing(undisturbed: Undisturbed, told: Callable[[str], None]) -> None:
    outcome = undisturbed.outcome
    assert len(outcome.signals) >= 20
    assert len(outcome.decisions) >= 10
    assert sum(books.read for books in outcome.books.values()) == len(undisturbed.records)
    assert all(books.balanced for books in outcome.books.values())
    assert {detector for detector, _ in outcome.incidents} == {"category_spike", "groundedness_drift"}
    told(f"{len(undisturbed.records):,} events, {len(outcome.signals)} signals, {len(outcome.decisions)} decisions")


async def test_three_kills_mid_stream_change_nothing(
    apache: KafkaSettings, undisturbed: Undisturbed, tmp_path: Path, told: Callable[[str], None]
) -> None:
    started = monotonic()
    with worker(apache, tmp_path / "worker.log", batch_records=500) as process:
        async with Run.fed(apache, undisturbed.records) as run:
            for share in (0.2, 0.45, 0.7):
                await run.reaches(share)
                process.kill()
                assert run.share < 1
                process.restart()
            done = await run.done()
    told(f"{len(undisturbed.records):,} events, 3 kills, {monotonic() - started:.1f} s ({undisturbed.seconds:.1f} s)")
    assert_same(done, undisturbed.outcome)


async def test_a_stop_in_order_mid_stream_is_quick_and_loses_nothing(
    apache: KafkaSettings, undisturbed: Undisturbed, tmp_path: Path, told: Callable[[str], None]
) -> None:
    with worker(apache, tmp_path / "worker.log", batch_records=500) as process:
        async with Run.fed(apache, undisturbed.records) as run:
            await run.reaches(0.4)
            code, seconds = process.stop()
            assert run.share < 1
            process.restart()
            done = await run.done()
    told(f"stopped in {seconds:.1f} s")
    assert code == 0
    assert seconds < 10
    assert_same(done, undisturbed.outcome)
