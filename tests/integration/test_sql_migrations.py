"""Migrations run up, down and up again on the embedded ClickHouse, each once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sql_facts import NOON, count, fresh_store

from policy.policy import Retention
from sql.errors import SchemaDiffers
from sql.migrate import check, down, status, up
from sql.migration import migrations
from sql.retention import apply_retention
from sql.settings import StoreSettings
from sql.store import Store, open_store

pytestmark = pytest.mark.embedded
KEEP = Retention()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    store = open_store(StoreSettings(path=tmp_path / "clickhouse"))
    yield store
    store.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    yield from fresh_store(tmp_path / "clickhouse")


def tables(store: Store) -> set[str]:
    return {name for (name,) in store.query("SHOW TABLES").rows}


def test_up_down_up_ends_where_it_began(empty: Store) -> None:
    assert up(empty, KEEP, now=NOON) == list(migrations())
    first = tables(empty)
    assert down(empty, KEEP, now=NOON) == list(reversed(migrations()))
    assert tables(empty) == {"schema_migrations"}
    assert up(empty, KEEP, now=NOON) == list(migrations())
    assert tables(empty) == first
    check(empty)


def test_a_second_up_does_nothing(store: Store) -> None:
    assert up(store, KEEP, now=NOON) == []


def test_status_works_before_anything_exists(empty: Store) -> None:
    assert [one.applied for one in status(empty)] == [False] * len(migrations())
    with pytest.raises(SchemaDiffers) as caught:
        check(empty)
    assert (caught.value.found, caught.value.expected) == (0, len(migrations()))


def test_it_stops_at_the_version_asked_for(empty: Store) -> None:
    up(empty, KEEP, now=NOON, to=3)
    assert [one.applied for one in status(empty)].count(True) == 3
    assert "filter_verdicts" not in tables(empty)
    down(empty, KEEP, now=NOON, to=2)
    assert "request_logs" not in tables(empty)
    assert "archive_batches" in tables(empty)


def test_a_migration_that_broke_off_is_finished_by_the_next_up(empty: Store) -> None:
    up(empty, KEEP, now=NOON, to=10)
    empty.command("CREATE TABLE verdicts_by_minute (tenant String) ENGINE = MergeTree ORDER BY tenant")
    empty.command("DROP TABLE verdicts_by_minute SYNC")
    up(empty, KEEP, now=NOON)
    check(empty)


def test_a_changed_retention_reaches_the_tables_and_keeps_the_rows(store: Store) -> None:
    store.insert_rows("epochs", ("epoch", "begun_at"), rows=[(1, NOON)])
    assert apply_retention(store, KEEP) == []
    shorter = KEEP.model_copy(update={"raw": timedelta(days=3)})
    assert set(apply_retention(store, shorter)) >= {"filter_verdicts", "request_logs", "dead_letters"}
    assert apply_retention(store, shorter) == []
    longer = KEEP.model_copy(update={"hours": timedelta(days=500)})
    assert up(store, longer, now=NOON) == []
    assert apply_retention(store, longer) == []
    assert "toIntervalSecond(2592000)" in store.query("SHOW CREATE TABLE filter_verdicts").rows[0][0]
    assert count(store, "epochs") == 1


def test_the_engine_keeps_its_rows_when_it_is_closed_and_opened(tmp_path: Path) -> None:
    settings = StoreSettings(path=tmp_path / "clickhouse")
    first = open_store(settings)
    up(first, KEEP, now=NOON)
    first.insert_rows("epochs", ("epoch", "begun_at"), rows=[(7, NOON)])
    first.close()
    second = open_store(settings)
    assert second.ping()
    assert count(second, "epochs") == 1
    second.close()
