"""The rollups that queries over a long time read say what the raw rows say, also where the rows were there before."""

import random
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sql_facts import NOON, emptied, fresh_store, new_archiver, records, request, verdict, verdicts

from events import RequestLog
from policy.policy import Retention
from sql.archiver import Archiver
from sql.batch import Batch
from sql.migrate import up
from sql.query import run_query
from sql.settings import StoreSettings
from sql.store import Store, open_store

pytestmark = pytest.mark.embedded
REQUESTS, VERDICTS = "request-logs", "filter-verdicts"
BEFORE = 18
SUBJECTS = [f"k1.{letter * 25}{other}" for letter in "abcdef" for other in "vwxyz"]
UNITS = ("hour", "day")
ROLLED = """
SELECT dimension, tenant, {unit}, provider, value, sum(requests), sum(r.blocked), sum(r.failed),
    uniqCombinedMerge(12)(subjects), quantilesDDMerge(0.01, 0.5, 0.9, 0.99)(latency)[3]
FROM dimensions_by_{unit} AS r
GROUP BY dimension, tenant, {unit}, provider, value
"""
CATEGORIES = "SELECT tenant, hour, category, state, severity, sum(verdicts) FROM categories_by_hour GROUP BY ALL"
FROM_RAW = """
SELECT tenant, toStartOfHour(at, 'UTC') AS hour, category, state, ifNull(severity, -1), count()
FROM filter_verdicts GROUP BY ALL
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clickhouse")


@pytest.fixture(scope="module")
def used_store(folder: Path) -> Iterator[Store]:
    yield from fresh_store(folder)


@pytest.fixture
def store(used_store: Store) -> Store:
    return emptied(used_store)


@pytest.fixture
def older(folder: Path) -> Iterator[Store]:
    """A store as it was before these rollups."""
    store = open_store(StoreSettings(path=folder, database=f"t{uuid.uuid4().hex}"))
    up(store, Retention(), now=NOON, to=BEFORE)
    yield store
    store.close()


def some_requests(rng: random.Random, size: int, first: int = 0) -> list[RequestLog]:
    return [
        request(
            f"r{number}:log",
            NOON + timedelta(hours=rng.choice((0, 0.1, 5, 13, 30, -24 * 50)) + rng.random()),
            tenant=rng.choice(("contoso", "contoso", "fabrikam")),
            subject=rng.choice(SUBJECTS),
            provider=rng.choice(("azure.openai", "elsewhere")),
            model=rng.choice(("gpt-4.1", "o3")),
            deployment=rng.choice(("eu", "us", None)),
            language=rng.choice(("en", "de", None)),
            release=rng.choice(("eu", "r2")),
            outcome=rng.choice(("completed", "blocked", "failed")),
            latency_ms=rng.choice((None, 0.0, rng.random() * 1000)),
        )
        for number in range(first, first + size)
    ]


def some_verdicts(rng: random.Random, size: int) -> Batch:
    return verdicts(
        verdict(
            f"v{number}:prompt:hate",
            NOON + timedelta(hours=rng.random() * 50),
            tenant=rng.choice(("contoso", "fabrikam")),
            category=rng.choice(("hate", "violence")),
            state=rng.choice(("clean", "blocked", "detected", "not_evaluated")),
            severity=rng.choice((None, 0, 3)),
        )
        for number in range(size)
    )


def batches(archiver: Archiver, sent: Sequence[RequestLog], size: int, partition: int = 0) -> None:
    for first in range(0, len(sent), size):
        archiver.store_batch(Batch(REQUESTS, partition, records(sent[first : first + size], first=first)))


def facts(sent: Sequence[RequestLog], unit: str) -> dict[tuple[object, ...], tuple[object, ...]]:
    """What one rollup must say: key → requests, blocked, failed, subjects and the 0.99 quantile of the latency."""
    found = defaultdict[tuple[object, ...], list[RequestLog]](list)
    for one in sent:
        hour = one.at.replace(minute=0, second=0, microsecond=0)
        at = hour if unit == "hour" else hour.replace(hour=0)
        for dimension in ("model", "deployment", "language", "release"):
            provider = one.provider if dimension == "model" else ""
            found[dimension, one.tenant, at, provider, getattr(one, dimension) or ""].append(one)
    return {key: summed(ones) for key, ones in found.items()}


def summed(ones: Sequence[RequestLog]) -> tuple[object, ...]:
    outcomes = [one.outcome for one in ones]
    latencies = sorted(one.latency_ms for one in ones if one.latency_ms is not None)
    high = pytest.approx(latencies[int(0.99 * (len(latencies) - 1))], rel=0.011, abs=1e-6) if latencies else None
    subjects = len({one.subject for one in ones})
    return len(ones), outcomes.count("blocked"), outcomes.count("failed"), subjects, high


def rolled(store: Store, unit: str) -> dict[tuple[object, ...], tuple[object, ...]]:
    rows: list[tuple[Any, ...]] = store.query(ROLLED.format(unit=unit)).rows
    return {row[:5]: (*row[5:9], None if row[9] != row[9] else row[9]) for row in rows}


def assert_dimensions(store: Store, sent: Sequence[RequestLog]) -> None:
    for unit in UNITS:
        assert rolled(store, unit) == facts(sent, unit), unit


def assert_categories(store: Store) -> None:
    assert sorted(store.query(CATEGORIES).rows) == sorted(store.query(FROM_RAW).rows)


def take_over(store: Store, partitions: int = 2) -> None:
    owner = new_archiver(store)
    for topic in (REQUESTS, VERDICTS):
        for partition in range(partitions):
            owner.assigned(topic, partition)


@pytest.mark.parametrize("seed", range(4))
def test_they_say_what_was_sent_in_any_batches_and_after_any_number_of_takeovers(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    sent = some_requests(rng, 400)
    archiver = new_archiver(store)
    batches(archiver, sent, rng.choice((30, 150, 400)))
    batches(archiver, sent[:50], 20, partition=1)
    archiver.store_batch(some_verdicts(rng, 500))
    for _ in range(rng.randrange(3)):
        take_over(store)
    assert_dimensions(store, sent)
    assert_categories(store)


def test_merged_rows_say_the_same(store: Store) -> None:
    sent = some_requests(random.Random(5), 300)
    batches(new_archiver(store), sent, 60)
    for unit in UNITS:
        store.command(f"OPTIMIZE TABLE dimensions_by_{unit} FINAL")
    assert_dimensions(store, sent)


@pytest.mark.parametrize("view", ["mv_dimensions_by_hour", "mv_dimensions_by_day", "mv_requests_by_minute"])
def test_what_a_crash_left_out_is_added_once(store: Store, view: str) -> None:
    sent = some_requests(random.Random(6), 200)
    archiver = new_archiver(store)
    batches(archiver, sent[:100], 100)
    definition = store.query(f"SHOW CREATE TABLE {view}").rows[0][0]
    store.command(f"DROP VIEW {view} SYNC")
    archiver.store_batch(Batch(REQUESTS, 0, records(sent[100:], first=100)))
    store.command(definition)
    take_over(store)
    take_over(store)
    assert_dimensions(store, sent)
    assert run_query(store, "reconciliation").rows == []


@pytest.mark.parametrize("times", [1, 2])
def test_what_was_stored_before_is_taken_over_however_often_the_migration_runs(older: Store, times: int) -> None:
    rng = random.Random(times)
    sent, more = some_requests(rng, 300), some_requests(rng, 100, first=300)
    archiver = new_archiver(older)
    batches(archiver, sent[:200], 70)
    batches(archiver, sent[200:], 40, partition=1)
    archiver.store_batch(some_verdicts(rng, 500))
    for _ in range(times):
        up(older, Retention(), now=NOON)
        forget_the_newest_migration(older, NOON)
    owner = new_archiver(older)
    owner.assigned(REQUESTS, 1)
    owner.assigned(VERDICTS, 0)
    owner.store_batch(Batch(REQUESTS, 0, records(more, first=200)))
    assert_dimensions(older, [*sent, *more])
    assert_categories(older)
    assert run_query(older, "reconciliation").rows == []


def forget_the_newest_migration(store: Store, now: datetime) -> None:
    """As if the process had died before it could note what it had done."""
    row = [BEFORE + 1, "narrow_rollups", False, now + timedelta(days=1)]
    store.insert_columns("schema_migrations", ("version", "name", "applied", "at"), columns=[[one] for one in row])


def test_the_last_batches_of_an_earlier_life_of_the_log_are_taken_over_too(older: Store) -> None:
    sent = some_requests(random.Random(8), 80)
    batches(new_archiver(older, epoch=1), sent, 40)
    older.insert_rows("epochs", ("epoch", "begun_at"), rows=[(1, NOON), (2, NOON)])
    up(older, Retention(), now=NOON)
    assert_dimensions(older, sent)


def test_counts_outlive_raw_rows_and_estimates_do_not(older: Store) -> None:
    sent = some_requests(random.Random(9), 200)
    archiver = new_archiver(older)
    batches(archiver, sent, 100)
    batches(archiver, some_requests(random.Random(9), 1, first=900), 1, partition=1)
    older.command("ALTER TABLE request_logs DELETE WHERE offset < 100 AND partition = 0 SETTINGS mutations_sync = 1")
    up(older, Retention(), now=NOON)
    take_over(older)
    rows = run_query(older, "by_model").dicts()
    assert sum(row["total"] for row in rows) == 201
    kept = {one.subject for one in sent[100:] if one.model == "o3" and one.provider == "elsewhere"}
    assert [row["users"] for row in rows if (row["provider"], row["model"]) == ("elsewhere", "o3")] == [len(kept)]
