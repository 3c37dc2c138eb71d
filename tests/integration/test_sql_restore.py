"""The latest state of every compacted topic comes back out of ClickHouse, byte for byte."""

from collections.abc import Iterator

import pytest
from sql_facts import ALICE, NOON, emptied, fresh_store, new_archiver, raw

from sql.batch import Batch, StoredReport
from sql.restore import StateRecord, begin_epoch, current_epoch, latest_state
from sql.store import Store

pytestmark = pytest.mark.embedded
BINARY = b"\x81\xff\x00\xc3("


@pytest.fixture(scope="module")
def used_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    yield from fresh_store(tmp_path_factory.mktemp("clickhouse"))


@pytest.fixture
def store(used_store: Store) -> Store:
    return emptied(used_store)


def state(store: Store) -> dict[tuple[str, bytes], tuple[bytes, int]]:
    return {(one.topic, one.key): (one.value, one.partition) for one in latest_state(store)}


def test_the_latest_record_of_each_key_is_restored_in_its_partition(store: Store) -> None:
    archiver = new_archiver(store)
    key = f"contoso|{ALICE}".encode()
    report = archiver.store_batch(Batch("enforcements", 3, [raw(b"{}", 0, key), raw(b'{"revision":2}', 4, key)]))
    assert report == StoredReport(stored=2)
    archiver.store_batch(Batch("observe-state", 1, [raw(BINARY, 0, b"\xff\x00s")]))
    assert state(store) == {
        ("enforcements", key): (b'{"revision":2}', 3),
        ("observe-state", b"\xff\x00s"): (BINARY, 1),
    }
    assert isinstance(next(latest_state(store)), StateRecord)


def test_state_of_two_partitions_under_one_key_stays_two(store: Store) -> None:
    archiver = new_archiver(store)
    for partition, value in ((0, b"zero"), (11, b"eleven")):
        archiver.store_batch(Batch("observe-state", partition, [raw(value, 0, b"p|filter-verdicts")]))
    assert sorted((one.key, one.value, one.partition) for one in latest_state(store)) == [
        (b"p|filter-verdicts", b"eleven", 11),
        (b"p|filter-verdicts", b"zero", 0),
    ]


def test_a_deleted_key_is_left_out_and_may_come_back(store: Store) -> None:
    archiver = new_archiver(store)
    archiver.store_batch(Batch("incidents", 0, [raw(b"{}", 0, b"a"), raw(None, 1, b"a"), raw(b"{}", 2, b"b")]))
    assert set(state(store)) == {("incidents", b"b")}
    archiver.store_batch(Batch("incidents", 0, [raw(b"{1}", 3, b"a")]))
    assert set(state(store)) == {("incidents", b"a"), ("incidents", b"b")}


def test_a_later_life_of_the_log_wins_over_higher_offsets(store: Store) -> None:
    new_archiver(store, epoch=1).store_batch(Batch("appeals", 0, [raw(b"old", 1_000_000, b"contoso|a")]))
    new_archiver(store, epoch=2).store_batch(Batch("appeals", 0, [raw(b"new", 0, b"contoso|a")]))
    assert state(store)["appeals", b"contoso|a"] == (b"new", 0)


def test_a_repeated_batch_changes_nothing(store: Store) -> None:
    batch = Batch("decide-state", 0, [raw(BINARY, 0, b"a"), raw(b"x", 1, None), raw(b"y", 2, b"b")])
    assert new_archiver(store).store_batch(batch) == StoredReport(stored=2, invalid=1)
    before = state(store)
    survivor = new_archiver(store)
    assert survivor.assigned("decide-state", 0) == 0, "the last batch is read again: storing a state twice is harmless"
    survivor.store_batch(batch)
    assert state(store) == before
    assert survivor.assigned("books", 0) == 0


def test_views_read_the_state_and_know_the_tenant(store: Store) -> None:
    archiver = new_archiver(store)
    value = b'{"tenant":"contoso","subject":"k1.x","revision":4,"at":"2026-03-02T12:00:00Z","measures":[]}'
    archiver.store_batch(Batch("enforcements", 0, [raw(value, 0, b"contoso|k1.x")]))
    archiver.store_batch(Batch("incidents", 0, [raw(b'{"tenant":"contoso"}', 0, b"i"), raw(b"[1]", 1, b"j")]))
    assert store.query("SELECT tenant, subject, revision, at, measures FROM enforcements").rows == [
        ("contoso", "k1.x", 4, NOON, "[]")
    ]
    assert sorted(store.query("SELECT tenant FROM incidents").rows) == [("",), ("contoso",)]


def test_epochs_count_from_one(store: Store) -> None:
    assert current_epoch(store) == 0
    assert [begin_epoch(store, now=NOON), begin_epoch(store, now=NOON)] == [1, 2]
    assert current_epoch(store) == 2
