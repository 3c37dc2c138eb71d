"""Brings the tables to the version of the code and back: numbered migrations, each applied once. It moves no data."""

from dataclasses import dataclass
from datetime import datetime

from policy.policy import Retention
from sql.errors import QueryFailed, SchemaDiffers
from sql.migration import Migration, migrations
from sql.retention import apply_retention
from sql.store import Store
from sql.template import render, statements

_VERSIONS = """
CREATE TABLE IF NOT EXISTS schema_migrations {on_cluster} (
    version UInt32,
    name String,
    applied Bool,
    at DateTime64(6, 'UTC')
)
ENGINE = {engine:ReplacingMergeTree(at)}
ORDER BY version
"""
_NOTHING_THERE = frozenset({60, 81})
"""ClickHouse's codes for an unknown table and an unknown database."""


@dataclass(frozen=True, slots=True)
class Status:
    """Whether a migration is applied, and since when it is so (None: never touched)."""

    migration: Migration
    applied: bool
    at: datetime | None


def status(store: Store) -> list[Status]:
    """Every migration with its state; works before the first `up` too."""
    applied = _applied(store)
    return [Status(one, *applied.get(one.version, (False, None))) for one in migrations()]


def up(store: Store, retention: Retention, *, now: datetime, to: int | None = None) -> list[Migration]:
    """Apply what is missing, up to version `to`, and the retention; returns what was applied. Repeating it is safe."""
    store.create_database()
    store.command(render("schema_migrations", _VERSIONS, settings=store.settings, retention=retention))
    todo = [one.migration for one in status(store) if not one.applied and (to is None or one.migration.version <= to)]
    for migration in todo:
        _run(store, render(migration.name, migration.up, settings=store.settings, retention=retention))
        _note(store, migration, applied=True, now=now)
    apply_retention(store, retention)
    return todo


def down(store: Store, retention: Retention, *, now: datetime, to: int = 0) -> list[Migration]:
    """Undo everything above version `to`, newest first; returns what was undone. The rows in those tables are gone."""
    todo = [one.migration for one in reversed(status(store)) if one.applied and one.migration.version > to]
    for migration in todo:
        _run(store, render(migration.name, migration.down, settings=store.settings, retention=retention))
        _note(store, migration, applied=False, now=now)
    return todo


def check(store: Store) -> None:
    """Raises SchemaDiffers unless every migration of the code, and no other, is applied."""
    found = max((version for version, (applied, _) in _applied(store).items() if applied), default=0)
    if found != len(migrations()):
        raise SchemaDiffers(found=found, expected=len(migrations()))


def _applied(store: Store) -> dict[int, tuple[bool, datetime]]:
    try:
        rows = store.query("SELECT version, applied, at FROM schema_migrations FINAL").rows
    except QueryFailed as error:
        if error.code in _NOTHING_THERE:
            return {}
        raise
    return {version: (applied, at) for version, applied, at in rows}


def _run(store: Store, text: str) -> None:
    for statement in statements(text):
        store.command(statement)


def _note(store: Store, migration: Migration, *, applied: bool, now: datetime) -> None:
    store.insert_columns(
        "schema_migrations",
        ("version", "name", "applied", "at"),
        columns=[[migration.version], [migration.name], [applied], [now]],
    )
