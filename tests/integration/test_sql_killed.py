"""ClickHouse is killed between noting the token of a part and having the part: nothing is lost, nothing is refused."""

import fcntl
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import killed_store
import pytest
from killed_store import STORED, batches
from sql_facts import count, new_archiver

from sql.lost_parts import forget_lost_parts
from sql.query import run_query
from sql.settings import StoreSettings
from sql.store import Store, open_store

pytestmark = pytest.mark.embedded
TABLES = ("filter_verdicts", "request_logs")
ROLLUPS = {
    "verdicts_by_minute": "verdicts", "verdicts_by_hour": "verdicts", "verdicts_by_day": "verdicts",
    "categories_by_hour": "verdicts",
    "requests_by_minute": "requests", "requests_by_hour": "requests", "requests_by_day": "requests",
}  # fmt: skip
DIMENSIONS = ("dimensions_by_hour", "dimensions_by_day")


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "clickhouse"
    died = subprocess.run(
        [sys.executable, killed_store.__file__, folder], cwd=Path(__file__).parents[2], timeout=120, check=False
    )
    assert died.returncode == -signal.SIGKILL
    return folder


@pytest.fixture
def folder(killed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(killed, tmp_path / "clickhouse", symlinks=True)


def lose_last_part(folder: Path, table: str) -> None:
    """What is there when the token is noted and the part has not got its name."""
    home = folder / "data" / "watchfloor" / table
    _, part, _ = (home / "deduplication_logs" / "deduplication_log_1.txt").read_text().splitlines()[-1].split("\t")
    shutil.rmtree(home / part)


def opened(folder: Path) -> closing[Store]:
    return closing(open_store(StoreSettings(path=folder)))


def assert_exact(store: Store, expected: int) -> None:
    assert [count(store, table) for table in TABLES] == [expected] * len(TABLES)
    sums = {name: store.query(f"SELECT sum({column}) FROM {name}").rows[0][0] for name, column in ROLLUPS.items()}
    assert sums == dict.fromkeys(ROLLUPS, expected)
    assert run_query(store, "reconciliation").rows == []


@pytest.mark.parametrize("table", [*TABLES, *ROLLUPS, *DIMENSIONS])
def test_a_part_that_is_noted_and_lost_is_taken_again(folder: Path, table: str) -> None:
    lose_last_part(folder, table)
    with opened(folder) as store:
        archiver = new_archiver(store)
        for batch in batches(0, 2 * STORED):
            archiver.store_batch(batch)
        assert_exact(store, 2 * STORED)


def test_nothing_lost_is_nothing_stored_again(folder: Path) -> None:
    with opened(folder) as store:
        archiver = new_archiver(store)
        assert [archiver.assigned(batch.topic, 0) for batch in batches(0, 1)] == [STORED, STORED]
        assert_exact(store, STORED)


def test_what_another_process_has_open_is_left_alone(folder: Path) -> None:
    lose_last_part(folder, "requests_by_hour")
    with (folder / "status").open("rb") as status:
        fcntl.flock(status, fcntl.LOCK_EX)
        assert forget_lost_parts(folder) == 0
    assert forget_lost_parts(folder) == 1
    assert forget_lost_parts(folder) == 0
