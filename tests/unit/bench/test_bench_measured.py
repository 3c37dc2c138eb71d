"""Numbers of runs, their medians, and how they are shown."""

import io
import os
import time
from pathlib import Path

import pytest
from rich.console import Console

from bench.brokers import open_broker
from bench.errors import NotFinished, Unavailable, UnknownBroker
from bench.measured import Measured, Median, cpu_seconds, peak_bytes
from bench.progress import BooksTopic
from bench.rounds import Runs
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
    assert (found.runs, found.events) == (3, 100_000)


def test_one_wrong_run_is_not_hidden_by_right_ones() -> None:
    assert Median.of([run(check="wrong: 1 of 2"), run(), run()]).check == "wrong: 1 of 2"
    assert not run(check="wrong: 1 of 2").correct


def shown(runs: Runs) -> str:
    out = io.StringIO()
    Console(file=out, width=280).print(results(runs, broker="a broker", events=100_000, baseline="slow"))
    return out.getvalue()


def line(text: str, name: str) -> list[str]:
    row = next(row for row in text.splitlines() if row.startswith(f"│ {name} "))
    return [cell.strip() for cell in row.strip("│").split("│")]


def test_the_table_shows_every_contender_in_order() -> None:
    text = shown(Runs({"worker": [run()], "archiver": [run(check="wrong: 3 rows")]}, {}))
    assert text.index("worker") < text.index("archiver")
    assert "100,000 events · a broker" in text
    assert line(text, "worker") == ["worker", "100,000", "50,000", "–", "10.0", "50 MB", "1", "fine"]
    assert line(text, "archiver")[-1] == "wrong: 3 rows"


def test_the_table_relates_every_contender_to_the_baseline() -> None:
    text = shown(Runs({"fast": [run(seconds=1)], "slow": [run(seconds=50)]}, {}))
    assert (line(text, "fast")[3], line(text, "slow")[3]) == ("50.0", "1.0")


def test_a_contender_with_fewer_events_says_how_many() -> None:
    assert line(shown(Runs({"slow": [Measured(4_000, 2.0, 1.0, 1, "fine")]}, {})), "slow")[1:3] == ["4,000", "2,000"]


def test_the_table_says_why_a_contender_was_not_measured() -> None:
    runs = Runs({"peer": [], "worker": [run()]}, {"peer": Unavailable("peer", "does not install: no wheel [any]")})
    assert line(shown(runs), "peer") == ["peer", *("–",) * 6, "peer does not install: no wheel [any]"]


def test_a_long_reason_is_cut_in_its_middle() -> None:
    reason = line(shown(Runs({"peer": []}, {"peer": Unavailable("peer", "a" * 500 + " in the end")})), "peer")[-1]
    assert reason.startswith("peer aaa")
    assert reason.endswith("in the end")
    assert len(reason) < 165


def test_a_contender_that_failed_later_keeps_its_runs_and_shows_the_failure() -> None:
    check = line(shown(Runs({"worker": [run()]}, {"worker": NotFinished("worker", 1, 2)})), "worker")[-1]
    assert check.startswith("fine; then worker did 1 of 2 events")


def test_results_are_correct_when_checks_hold_and_only_what_is_not_to_be_had_is_missing() -> None:
    assert Runs({"a": [run()], "b": []}, {"b": Unavailable("b", "does not install")}).correct
    assert not Runs({"a": [run(check="wrong: 1")]}, {}).correct
    assert not Runs({"a": [run()], "b": []}, {"b": NotFinished("b", 1, 2)}).correct


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
