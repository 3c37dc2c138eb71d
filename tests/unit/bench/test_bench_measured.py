"""Numbers of runs, their medians, and how they are shown."""

import io
import os
import time
from pathlib import Path

import pytest
from rich.console import Console

from bench.brokers import open_broker
from bench.errors import NotFinished, UnknownBroker
from bench.measured import Measured, Median, cpu_seconds, peak_bytes
from bench.progress import BooksTopic
from bench.stored import Stored
from bench.table import results
from streams.books import Books


def run(seconds: float = 2.0, cpu: float = 1.0, peak: int = 50_000_000, check: str = "fine") -> Measured:
    return Measured(100_000, seconds, cpu, peak, check)


def test_a_run_knows_its_rate_and_its_cost() -> None:
    assert run(seconds=2.0, cpu=0.5).events_per_second == 50_000
    assert run(seconds=2.0, cpu=0.5).cpu_seconds_per_million == 5.0


def test_each_number_has_its_own_median() -> None:
    found = Median.of([run(1, 3, 20), run(2, 1, 30), run(4, 2, 10)])
    assert (found.events_per_second, found.cpu_seconds_per_million, found.peak_bytes) == (50_000, 20, 20)
    assert found.runs == 3


def test_one_wrong_run_is_not_hidden_by_right_ones() -> None:
    assert Median.of([run(check="wrong: 1 of 2"), run(), run()]).check == "wrong: 1 of 2"
    assert not run(check="wrong: 1 of 2").correct


def test_the_table_shows_every_contender_in_order() -> None:
    out = Console(file=io.StringIO(), width=140)
    medians = {"worker": Median.of([run()]), "archiver": Median.of([run(check="wrong: 3 rows")])}
    out.print(results(medians, broker="a broker", events=100_000))
    text = out.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO from above
    assert text.index("worker") < text.index("archiver")
    assert all(
        part in text for part in ("100,000 events · a broker", "50,000", "10.0", "50 MB", "fine", "wrong: 3 rows")
    )


def test_the_kernel_tells_what_a_process_used() -> None:
    before, started = cpu_seconds(os.getpid()), time.process_time()
    while time.process_time() - started < 0.05:
        pass
    assert 0.03 <= cpu_seconds(os.getpid()) - before < 1
    assert peak_bytes(os.getpid()) > 10_000_000


def books(partition: int, *, read: int, applied: int, late: int = 0) -> Books:
    return Books("filter-verdicts", partition, read=read, applied=applied, late=late)


@pytest.mark.parametrize(
    ("kept", "right"),
    [
        ([books(0, read=6, applied=6), books(1, read=4, applied=4)], True),
        ([books(0, read=6, applied=6), books(1, read=4, applied=3, late=1)], False),
        ([books(0, read=7, applied=6), books(1, read=4, applied=4)], False),
        ([books(0, read=6, applied=6)], False),
        ([], False),
    ],
)
def test_books_are_right_when_every_event_was_applied_once(kept: list[Books], right: bool) -> None:
    topic = BooksTopic(consumer=None)
    topic.books = {one.partition: one for one in kept}
    assert topic.verdict(10).startswith("wrong") is not right


@pytest.mark.parametrize(
    ("stored", "right"),
    [
        (Stored(10, 10, 10, 0), True),
        (Stored(9, 9, 9, 0), False),
        (Stored(10, 9, 10, 0), False),
        (Stored(10, 10, 11, 0), False),
        (Stored(10, 10, 10, 2), False),
    ],
)
def test_clickhouse_is_right_when_raw_and_rollups_hold_every_event_once(stored: Stored, right: bool) -> None:
    assert stored.verdict(10).startswith("wrong") is not right


async def test_an_unknown_broker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownBroker, match="unknown broker nowhere"):
        async with open_broker("nowhere", tmp_path):
            pass


def test_not_finishing_tells_how_far_it_came() -> None:
    assert str(NotFinished("worker", 5_000, 10_000)) == "worker did 5,000 of 10,000 events and then took too long"
