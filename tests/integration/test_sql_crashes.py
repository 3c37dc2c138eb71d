"""The archiver stores each distinct event once, wherever it or ClickHouse is killed and whoever takes over."""

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from sql_facts import (
    ALICE,
    assert_exact,
    count,
    emptied,
    fresh_store,
    many,
    new_archiver,
    records,
    rolled,
    ticking,
    verdicts,
)

from sql.archiver import Archiver
from sql.batch import Batch, Record, StoredReport
from sql.batches import archive_books
from sql.errors import BatchShort, BatchTorn
from sql.store import Store

pytestmark = pytest.mark.embedded
VERDICTS = "filter-verdicts"


@pytest.fixture(scope="module")
def used_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    yield from fresh_store(tmp_path_factory.mktemp("clickhouse"))


@pytest.fixture
def store(used_store: Store) -> Store:
    return emptied(used_store)


class Crash(Exception):
    """The process dies here."""


class DyingStore(Store):
    """A store whose process dies right before or right after a table's insert reaches ClickHouse."""

    def __init__(self, store: Store, *, table: str, after: bool) -> None:
        super().__init__(store.settings)
        self.table, self.after = table, after

    def insert_rows(
        self, table: str, names: Sequence[str], *, rows: Iterable[Sequence[object]], token: str = ""
    ) -> None:
        with self.death(table):
            super().insert_rows(table, names, rows=rows, token=token)

    def insert_table(self, table: str, rows: pa.Table, *, token: str = "") -> None:
        with self.death(table):
            super().insert_table(table, rows, token=token)

    @contextmanager
    def death(self, table: str) -> Iterator[None]:
        if table == self.table and not self.after:
            raise Crash
        yield
        if table == self.table:
            raise Crash


def dies(store: Store, batch: Batch, *, table: str, after: bool) -> None:
    dying = DyingStore(store, table=table, after=after)
    with pytest.raises(Crash):
        new_archiver(dying).store_batch(batch)
    dying.close()


@pytest.mark.parametrize("table", ["archive_batches", "filter_verdicts"])
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step_leaves_nothing_double_and_nothing_lost(store: Store, table: str, after: bool) -> None:
    sent = many(2_000)
    new_archiver(store).store_batch(verdicts(sent[:500]))
    dies(store, verdicts(sent[500:1_200], first=500), table=table, after=after)
    survivor = new_archiver(store)
    stored = table == "filter_verdicts" and after
    assert survivor.assigned(VERDICTS, 0) == (1_200 if stored else 500)
    survivor.store_batch(verdicts(sent[500:], first=500))
    assert_exact(store, sent)
    assert [(one.stored, one.rows, one.next_offset) for one in archive_books(store, 1)] == [(2_000, 2_000, 2_000)]


def test_a_crash_between_the_table_and_its_rollups_is_repaired(store: Store) -> None:
    sent = many(5_000)
    archiver = new_archiver(store)
    archiver.store_batch(verdicts(sent[:1_000]))
    view = store.query("SHOW CREATE TABLE mv_verdicts_by_minute").rows[0][0]
    store.command("DROP VIEW mv_verdicts_by_minute SYNC")
    archiver.store_batch(verdicts(sent[1_000:], first=1_000))
    store.command(view)
    assert sum(rolled(store, "hour").values()) == 1_000
    assert new_archiver(store).assigned(VERDICTS, 0) == 5_000
    assert_exact(store, sent)


def test_taking_over_again_and_again_changes_nothing(store: Store) -> None:
    sent = many(20_000)
    new_archiver(store).store_batch(verdicts(sent))
    for _ in range(3):
        assert new_archiver(store).assigned(VERDICTS, 0) == 20_000
    store.command("OPTIMIZE TABLE filter_verdicts FINAL")
    new_archiver(store).assigned(VERDICTS, 0)
    assert_exact(store, sent)


def test_a_batch_of_which_only_a_part_is_there_is_an_error(store: Store) -> None:
    new_archiver(store).store_batch(verdicts(many(10)))
    store.command("ALTER TABLE filter_verdicts DELETE WHERE offset = 3 SETTINGS mutations_sync = 1")
    with pytest.raises(BatchTorn) as caught:
        new_archiver(store).assigned(VERDICTS, 0)
    assert (caught.value.expected, caught.value.found) == (10, 9)


def test_rows_that_clickhouse_has_lost_and_would_not_take_again_are_put_back_past_the_rollups(store: Store) -> None:
    sent = many(10)
    new_archiver(store).store_batch(verdicts(sent))
    store.command("ALTER TABLE filter_verdicts DELETE WHERE 1 SETTINGS mutations_sync = 1")
    owner = new_archiver(store)
    assert owner.assigned(VERDICTS, 0) == 0
    assert owner.store_batch(verdicts(sent)) == StoredReport(stored=10)
    assert_exact(store, sent)
    assert new_archiver(store).assigned(VERDICTS, 0) == 10
    assert_exact(store, sent)


def test_what_the_rollups_have_had_of_a_lost_batch_is_not_counted_again_with_what_came_after_it(store: Store) -> None:
    sent = many(25)
    new_archiver(store).store_batch(verdicts(sent[:10]))
    store.command("ALTER TABLE filter_verdicts DELETE WHERE 1 SETTINGS mutations_sync = 1")
    assert new_archiver(store).store_batch(verdicts(sent)) == StoredReport(stored=25)
    assert_exact(store, sent)
    assert new_archiver(store).assigned(VERDICTS, 0) == 25


def test_a_lost_batch_is_not_stored_before_it_is_given_whole(store: Store) -> None:
    sent = many(25)
    new_archiver(store).store_batch(verdicts(sent[:10]))
    store.command("ALTER TABLE filter_verdicts DELETE WHERE 1 SETTINGS mutations_sync = 1")
    owner = new_archiver(store)
    for size in (1, 9):
        with pytest.raises(BatchShort) as caught:
            owner.store_batch(verdicts(sent[:size]))
        assert caught.value.last == 9
    assert count(store, "filter_verdicts") == 0
    assert owner.store_batch(verdicts(sent)) == StoredReport(stored=25)
    assert_exact(store, sent)


class Slow(Store):
    """A store in which the insert of somebody who is gone ends just after that of its successor was refused."""

    def insert_table(self, table: str, rows: pa.Table, *, token: str = "") -> None:
        super().insert_table(table, rows, token=token)
        self.command(f"ALTER TABLE {table} ATTACH PARTITION ID '20900101' FROM under_way")


def test_rows_that_come_while_the_batch_is_read_again_are_not_stored_twice(store: Store) -> None:
    sent, slow = many(10), Slow(store.settings)
    new_archiver(store).store_batch(verdicts(sent))
    store.command("CREATE TABLE under_way AS filter_verdicts")
    store.command("ALTER TABLE under_way ATTACH PARTITION ID '20900101' FROM filter_verdicts")
    store.command("ALTER TABLE filter_verdicts DELETE WHERE 1 SETTINGS mutations_sync = 1")
    owner = Archiver(slow, 1, clock=ticking(datetime(2090, 1, 1, 1, tzinfo=UTC)))
    assert owner.assigned(VERDICTS, 0) == 0
    with pytest.raises(BatchTorn):
        owner.store_batch(verdicts(sent))
    slow.close()
    store.command("DROP TABLE under_way SYNC")
    successor = Archiver(store, 1, clock=ticking(datetime(2090, 1, 1, 2, tzinfo=UTC)))
    assert successor.store_batch(verdicts(sent)) == StoredReport(duplicate=10)
    assert_exact(store, sent)


@pytest.mark.parametrize("seed", range(6))
def test_any_mix_of_resends_takeovers_and_crashes_is_exact(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    sent = many(rng.randrange(50, 400), seed=seed, hours=rng.choice((0.05, 30)))
    log: dict[int, list[Record]] = {0: [], 1: []}
    for one in sent + rng.choices(sent, k=len(sent)):
        lane = log[one.subject == ALICE]
        lane.extend(records([one], first=len(lane)))
    archiver = new_archiver(store, seen_limit=rng.choice((0, 20, 5_000)))
    while any(archiver.assigned(VERDICTS, lane) < len(log[lane]) for lane in log):
        lane = rng.choice(sorted(log))
        start = max(0, archiver.assigned(VERDICTS, lane) - rng.randrange(5))
        batch = Batch(VERDICTS, lane, log[lane][start : start + rng.randrange(1, 120)])
        chance = rng.random()
        if chance < 0.2 and batch.records and batch.records[-1].offset >= archiver.assigned(VERDICTS, lane):
            dying = DyingStore(store, table=rng.choice(("archive_batches", "filter_verdicts")), after=chance < 0.1)
            try:
                new_archiver(dying).store_batch(batch)
            except (BatchShort, Crash):
                archiver = new_archiver(store, seen_limit=20)
            dying.close()
        else:
            with suppress(BatchShort):
                archiver.store_batch(batch)
    assert_exact(store, sent)
    assert sum(line.rows for line in archive_books(store, 1)) == len(sent)
