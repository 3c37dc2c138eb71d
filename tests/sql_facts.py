"""Events, records and an embedded ClickHouse for the tests of sql/."""

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from events import Event, FilterVerdict, RequestLog, UserFeedback
from policy.policy import Retention
from sql.archiver import Archiver
from sql.batch import Batch, Record
from sql.isolation import COMMON_TABLES, TENANT_TABLES
from sql.migrate import up
from sql.query import run_query
from sql.settings import StoreSettings
from sql.store import Store, open_store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CATEGORIES = ("hate", "sexual", "violence", "self_harm")
ALICE, BOB = f"k1.{'a' * 26}", f"k1.{'b' * 26}"


def verdict(event_id: str, at: datetime = NOON, **fields: object) -> FilterVerdict:
    defaults: dict[str, object] = {
        "tenant": "contoso",
        "subject": ALICE,
        "request_id": event_id.partition(":")[0],
        "provider": "azure.openai",
        "model": "gpt-4.1",
        "filter": "azure-content-filter",
        "stage": "prompt",
        "category": "hate",
        "provider_category": "hate",
        "state": "clean",
    }
    return FilterVerdict.model_validate(defaults | {"event_id": event_id, "at": at} | fields)


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


def request(event_id: str, at: datetime = NOON, **fields: object) -> RequestLog:
    defaults: dict[str, object] = {
        "tenant": "contoso",
        "subject": ALICE,
        "request_id": event_id.partition(":")[0],
        "provider": "azure.openai",
        "model": "gpt-4.1",
        "outcome": "completed",
    }
    return RequestLog.model_validate(defaults | {"event_id": event_id, "at": at} | fields)


def feedback(event_id: str, at: datetime = NOON, **fields: object) -> UserFeedback:
    defaults: dict[str, object] = {
        "tenant": "contoso",
        "subject": ALICE,
        "request_id": event_id.partition(":")[0],
        "provider": "azure.openai",
        "model": "gpt-4.1",
    }
    return UserFeedback.model_validate(defaults | {"event_id": event_id, "at": at} | fields)


def raw(value: bytes | None, offset: int, key: bytes | None = b"k", at: datetime = NOON) -> Record:
    return Record(offset, int(at.timestamp() * 1000), key, value)


def records(events: Iterable[Event], first: int = 0) -> list[Record]:
    """As the log would hold them: the broker's time is the event's own."""
    return [
        raw(event.model_dump_json(exclude_none=True).encode(), offset, at=event.at)
        for offset, event in enumerate(events, first)
    ]


def verdicts(events: Iterable[Event], first: int = 0, partition: int = 0) -> Batch:
    return Batch("filter-verdicts", partition, records(events, first))


def ticking(start: datetime = datetime(2090, 1, 1, tzinfo=UTC)) -> Callable[[], datetime]:
    """A clock that moves a millisecond each time that it is read; far enough ahead that retention removes nothing."""
    ticks = iter(range(10_000_000))
    return lambda: start + timedelta(milliseconds=next(ticks))


def new_archiver(store: Store, epoch: int = 1, **options: int) -> Archiver:
    return Archiver(store, epoch, clock=ticking(), **options)


def fresh_store(folder: Path) -> Iterator[Store]:
    """A migrated store in a database of its own; several may share the folder of the embedded engine."""
    store = open_store(StoreSettings(path=folder, database=f"t{uuid.uuid4().hex}"))
    try:
        up(store, Retention(), now=NOON)
        yield store
    finally:
        store.close()


def emptied(store: Store) -> Store:
    """The same store without a row in it; much faster than migrating another."""
    for table in {*TENANT_TABLES, *COMMON_TABLES} - {"schema_migrations"}:
        store.command("TRUNCATE TABLE {table:Identifier} SYNC", {"table": table})
    return store


def count(store: Store, table: str) -> int:
    return int(store.query("SELECT count() FROM {table:Identifier}", {"table": table}).rows[0][0])


def rolled(store: Store, granularity: str) -> dict[tuple[datetime, str], int]:
    """Verdicts per bucket and category, out of one rollup."""
    sql = f"SELECT {granularity}, category, sum(verdicts) FROM verdicts_per_{granularity} GROUP BY 1, 2"
    return {(bucket, category): total for bucket, category, total in store.query(sql).rows}


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
