"""The archiver stores each distinct event once, whatever is sent twice; crashes are in test_sql_crashes."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sql_facts import (
    assert_exact,
    emptied,
    fresh_store,
    many,
    new_archiver,
    raw,
    records,
    request,
    verdict,
    verdicts,
)

from sql.batch import Batch, StoredReport
from sql.batches import Lane, archive_books, last_entry
from sql.errors import Fenced, NotArchived, QueryFailed, StoreUnavailable
from sql.query import run_query
from sql.store import Store

pytestmark = pytest.mark.embedded
VERDICTS = "filter-verdicts"


@pytest.fixture(scope="module")
def used_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    yield from fresh_store(tmp_path_factory.mktemp("clickhouse"))


@pytest.fixture
def store(used_store: Store) -> Store:
    return emptied(used_store)


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
