"""The archiver stores each distinct event once, whatever is sent twice and wherever it is killed."""

import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from sql_facts import (
    ALICE,
    BOB,
    NOON,
    count,
    emptied,
    fresh_store,
    new_archiver,
    raw,
    records,
    request,
    rolled,
    ticking,
    verdict,
    verdicts,
)

from events import FilterVerdict
from sql.archiver import Archiver
from sql.batch import Batch, Record, StoredReport
from sql.batches import Lane, archive_books, last_entry
from sql.errors import BatchShort, BatchTorn, Fenced, NotArchived, QueryFailed, StoreUnavailable
from sql.query import run_query
from sql.store import Store

pytestmark = pytest.mark.embedded
VERDICTS = "filter-verdicts"
CATEGORIES = ("hate", "sexual", "violence", "self_harm")


@pytest.fixture(scope="module")
def used_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    yield from fresh_store(tmp_path_factory.mktemp("clickhouse"))


@pytest.fixture
def store(used_store: Store) -> Store:
    return emptied(used_store)


def many(size: int, seed: int = 1, hours: float = 3) -> list[FilterVerdict]:
    rng = random.Random(seed)
    return [
        verdict(
            f"r{seed}-{number // 4}:prompt:{number % 4}",
            NOON + timedelta(hours=rng.random() * hours),
            category=rng.choice(CATEGORIES),
            state=rng.choice(("clean", "clean", "blocked", "detected")),
            severity=rng.choice((0, 1, 2, 3, None)),
            subject=rng.choice((ALICE, BOB)),
            release=rng.choice(("r1", None)),
        )
        for number in range(size)
    ]


def expected(events: list[FilterVerdict], granularity: str) -> Counter[tuple[object, str]]:
    cut = {"minute": {"second": 0}, "hour": {"minute": 0, "second": 0}, "day": {"hour": 0, "minute": 0, "second": 0}}
    distinct = {(one.tenant, one.event_id): one for one in events}.values()
    return Counter((one.at.replace(microsecond=0, **cut[granularity]), str(one.category)) for one in distinct)


def assert_exact(store: Store, sent: list[FilterVerdict]) -> None:
    """Raw rows and every rollup hold exactly the distinct events that were sent."""
    assert count(store, "filter_verdicts") == len({(one.tenant, one.event_id) for one in sent})
    for granularity in ("minute", "hour", "day"):
        assert rolled(store, granularity) == expected(sent, granularity)
    assert run_query(store, "reconciliation").rows == []


def test_what_is_sent_is_stored_and_rolled_up(store: Store) -> None:
    sent = many(3_000)
    archiver = new_archiver(store)
    assert archiver.assigned(VERDICTS, 0) == 0
    assert archiver.store_batch(verdicts(sent)) == StoredReport(stored=3_000)
    assert_exact(store, sent)
    row = store.query("SELECT * FROM filter_verdicts WHERE offset = 7").dicts()[0]
    assert (row["event_id"], row["at"], row["epoch"], row["partition"]) == (
        sent[7].event_id,
        sent[7].at.replace(microsecond=sent[7].at.microsecond // 1000 * 1000),
        1,
        0,
    )
    assert row["severity"] == sent[7].severity


def test_the_same_events_at_other_offsets_change_nothing(store: Store) -> None:
    sent = many(2_000)
    archiver = new_archiver(store)
    archiver.store_batch(verdicts(sent))
    assert archiver.store_batch(verdicts(sent, first=2_000)) == StoredReport(duplicate=2_000)
    assert new_archiver(store).store_batch(verdicts(sent, first=4_000)) == StoredReport(duplicate=2_000)
    assert_exact(store, sent)


def test_the_same_events_in_the_next_life_of_the_log_change_nothing(store: Store) -> None:
    sent = many(500)
    new_archiver(store, epoch=1).store_batch(verdicts(sent))
    again = new_archiver(store, epoch=2)
    assert again.assigned(VERDICTS, 0) == 0
    assert again.store_batch(verdicts(sent)) == StoredReport(duplicate=500)
    assert_exact(store, sent)


def test_one_id_means_different_events_for_different_tenants(store: Store) -> None:
    sent = [verdict("r1:prompt:hate"), verdict("r1:prompt:hate", tenant="fabrikam")]
    assert new_archiver(store).store_batch(verdicts([*sent, *sent])) == StoredReport(stored=2, duplicate=2)


def test_overlapping_batches_are_stored_once(store: Store) -> None:
    sent = many(1_000)
    archiver = new_archiver(store)
    archiver.store_batch(verdicts(sent[:600]))
    assert archiver.store_batch(verdicts(sent[400:], first=400)) == StoredReport(stored=400, already=200)
    assert archiver.store_batch(verdicts(sent)) == StoredReport(already=1_000)
    assert_exact(store, sent)


def test_invalid_records_are_counted_and_the_rest_is_stored(store: Store) -> None:
    good = records([verdict("r1:prompt:hate")])[0]
    batch = [raw(b"{", 0), good._replace(offset=1), raw(None, 2)]
    archiver = new_archiver(store)
    assert archiver.store_batch(Batch(VERDICTS, 0, batch)) == StoredReport(stored=1, invalid=2)
    assert archiver.store_batch(Batch(VERDICTS, 0, [raw(b"x", 3)])) == StoredReport(invalid=1)
    assert new_archiver(store).assigned(VERDICTS, 0) == 4


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


def test_nothing_is_inserted_while_the_disk_has_less_room_than_the_settings_say(store: Store) -> None:
    sent, settings = many(10), store.settings
    try:
        store.settings = settings.model_copy(update={"free_bytes": 1 << 60})
        with pytest.raises(StoreUnavailable, match="NOT_ENOUGH_SPACE"):
            new_archiver(store).store_batch(verdicts(sent))
    finally:
        store.settings = settings
    assert new_archiver(store).store_batch(verdicts(sent)) == StoredReport(stored=10)
    assert_exact(store, sent)


def test_the_former_owner_of_a_partition_is_fenced(store: Store) -> None:
    sent = many(30)
    former, owner = new_archiver(store), new_archiver(store)
    former.store_batch(verdicts(sent[:10]))
    assert owner.assigned(VERDICTS, 0) == 10
    owner.store_batch(verdicts(sent[10:20], first=10))
    with pytest.raises(Fenced):
        former.store_batch(verdicts(sent[10:30], first=10))
    assert former.store_batch(verdicts(sent[10:30], first=10)) == StoredReport(stored=10, already=10)
    assert_exact(store, sent)


def test_a_failed_insert_can_be_given_again(store: Store) -> None:
    sent = many(50)
    archiver = new_archiver(store)
    store.command("RENAME TABLE filter_verdicts TO elsewhere")
    with pytest.raises(QueryFailed):
        archiver.store_batch(verdicts(sent))
    store.command("RENAME TABLE elsewhere TO filter_verdicts")
    assert archiver.store_batch(verdicts(sent)) == StoredReport(stored=50)
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


def test_a_batch_is_one_part_however_it_spreads_over_time(store: Store) -> None:
    new_archiver(store).store_batch(verdicts(many(5_000, hours=24 * 400)))
    parts = store.query(
        "SELECT count() FROM system.parts WHERE database = {d:String} AND table = 'filter_verdicts'",
        {"d": store.settings.database},
    )
    assert parts.rows == [(1,)]


def test_requests_are_rolled_up_with_tokens_and_latency(store: Store) -> None:
    sent = [
        request(f"r{number}:log", outcome="blocked" if number % 4 == 0 else "completed", prompt_tokens=10,
                completion_tokens=None if number % 2 else 5, latency_ms=float(number))
        for number in range(101)
    ]  # fmt: skip
    new_archiver(store).store_batch(Batch("request-logs", 0, records(sent)))
    row = store.query(
        "SELECT sum(requests) AS n, sum(prompt_tokens) AS p, sum(completion_tokens) AS c FROM requests_per_day"
    ).rows
    assert row == [(101, 1_010, 255)]
    latency = store.query("SELECT quantilesTDigestMerge(0.5, 0.9, 0.99)(latency) FROM requests_by_hour").rows[0][0]
    assert latency[0] == pytest.approx(50, abs=1)
    assert run_query(store, "reconciliation").rows == []


def test_the_books_say_what_became_of_every_record(store: Store) -> None:
    archiver = new_archiver(store)
    sent = many(10)
    archiver.store_batch(verdicts([*sent, *sent], partition=1))
    archiver.store_batch(Batch("request-logs", 0, [raw(b"{", 5), *records([request("r1:log")], first=9)]))
    lines = {(one.topic, one.partition): one for one in archive_books(store, 1)}
    found = lines[VERDICTS, 1]
    assert (found.stored, found.duplicates, found.invalid, found.rows, found.next_offset) == (10, 10, 0, 10, 20)
    gap = lines["request-logs", 0]
    assert (gap.stored, gap.invalid, gap.rows, gap.next_offset) == (1, 1, 1, 10)
    assert archive_books(store, 1, since=datetime(2095, 1, 1, tzinfo=UTC)) == []
    assert archive_books(store, 2) == []


def test_an_unknown_topic_is_refused(store: Store) -> None:
    with pytest.raises(NotArchived):
        new_archiver(store).assigned("commands", 0)


def test_a_revoked_partition_is_asked_for_again(store: Store) -> None:
    archiver, other = new_archiver(store), new_archiver(store)
    sent = many(20)
    archiver.store_batch(verdicts(sent[:10]))
    archiver.revoked(VERDICTS, 0)
    other.store_batch(verdicts(sent[10:], first=10))
    assert archiver.store_batch(verdicts(sent, first=20)) == StoredReport(duplicate=20)
    entry = last_entry(store, Lane(1, VERDICTS, 0))
    assert entry is not None
    assert (entry.due, entry.stored) == (20, 0)


def test_throughput_is_shown(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    batch = verdicts(many(50_000))
    archiver: Archiver = new_archiver(store)
    archiver.assigned(VERDICTS, 0)
    wall, cpu = time.perf_counter(), time.process_time()
    archiver.store_batch(batch)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    with capsys.disabled():
        print(f"\narchiver: {50_000 / wall:,.0f} rows/s, {50_000 / cpu:,.0f} rows per CPU second, rollups included")
    assert wall < 30
