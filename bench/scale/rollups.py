"""Rollup queries over many stored verdicts, and their bytes on disk; rows are made in ClickHouse, not sent to it."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import msgspec
from rich.console import Console

from bench.scale.measurement import Measurement, Scale, from_child
from bench.scale.results import SAVED, Cell, Results, Row, percentile
from bench.table import machine
from policy.policy import Retention
from sql.migrate import up
from sql.query import NamedQuery, named_queries, run_query
from sql.settings import StoreSettings
from sql.store import Store, open_store

_HERE = Path(__file__).parent
_DAYS = 28
_VERDICTS_PER_REQUEST = 8
_AT_ONCE = 2_000_000
_SUBJECTS = 1_000_000
_ROOM = 160
"""Bytes of disk per verdict while it is filled: raw rows, rollups, and parts that are being merged."""
_REPETITIONS = 20
_TENANT = "tenant-0"
_FILLING = {"max_insert_threads": 1, "max_execution_time": 0}


async def rollups(scale: Scale) -> Results:
    """p50 and p95 of each query and span of time; in a process of its own, which leaves nothing on the disk."""
    SAVED.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="clickhouse-", dir=SAVED) as folder:
        room = shutil.disk_usage(folder).free // 2 // _ROOM
        found = await from_child("rollups", folder, min(scale.verdicts, room), scale.minutes)
    verdicts = found["verdicts"]
    Results("stored", f"Bytes on disk, {verdicts:,} verdicts", machine(), tuple(found["stored"])).save()
    return Results("rollups", f"Named queries over {verdicts:,} verdicts", machine(), tuple(found["queries"]))


def fill(store: Store, verdicts: int, *, start: datetime) -> Iterator[int]:
    """Insert verdicts and their request logs, the newest first; after each part, how many are there.

    So a table that is not filled to the end has its last days as the full one would have them.
    """
    requests = verdicts // _VERDICTS_PER_REQUEST
    shared = {"start": f"{start:%Y-%m-%d %H:%M:%S}", "step": _DAYS * 86_400_000 / requests, "subjects": _SUBJECTS}
    for first, count in parts(requests, _AT_ONCE // _VERDICTS_PER_REQUEST):
        _insert(store, "fill_requests", {**shared, "first": first, "count": count})
        eight = {"first": first * _VERDICTS_PER_REQUEST, "count": count * _VERDICTS_PER_REQUEST}
        _insert(store, "fill_verdicts", {**shared, **eight})
        yield (requests - first) * _VERDICTS_PER_REQUEST


def parts(total: int, at_once: int) -> Iterator[tuple[int, int]]:
    """First number and count of each part of 0..total, the last part first."""
    for end in range(total, 0, -at_once):
        first = max(0, end - at_once)
        yield first, end - first


def _insert(store: Store, name: str, params: Mapping[str, object]) -> None:
    store.command((_HERE / f"{name}.sql").read_text("utf-8"), params, settings=_FILLING)


def spans(end: datetime) -> dict[str, dict[str, str]]:
    """What analysts ask for, by name: parameters of a query."""
    return {
        "all": {},
        "7 days": {"from": f"{end - timedelta(days=7):%Y-%m-%d %H:%M:%S}"},
        "24 hours": {"from": f"{end - timedelta(days=1):%Y-%m-%d %H:%M:%S}"},
        "one tenant, all": {"tenant": _TENANT},
    }


def on_rollups() -> list[NamedQuery]:
    """The named queries that read rollups and no raw rows."""
    return [one for one in named_queries().values() if "_by_" in one.tables]


def _timed(store: Store, query: NamedQuery, params: Mapping[str, str]) -> dict[str, Cell]:
    run_query(store, query.name, params)
    walls, cpus, rows = [], [], 0
    for _ in range(_REPETITIONS):
        wall, cpu = perf_counter(), process_time()
        rows = len(run_query(store, query.name, params).rows)
        walls.append((perf_counter() - wall) * 1000)
        cpus.append((process_time() - cpu) * 1000)
    return {
        "rows": rows,
        "p50 ms": percentile(walls, 0.5),
        "p95 ms": percentile(walls, 0.95),
        "CPU ms": percentile(cpus, 0.5),
    }


def _stored(store: Store, verdicts: int) -> Iterator[Row]:
    parts = store.query(
        "SELECT table, sum(rows), sum(bytes_on_disk), count() FROM system.parts"
        " WHERE active AND database = currentDatabase() GROUP BY table HAVING sum(rows) > 1000 ORDER BY table"
    )
    for table, rows, size, count in parts.rows:
        yield {
            "table": table,
            "rows": rows,
            "MB": size / 1e6,
            "bytes per row": size / rows,
            "bytes per verdict": size / verdicts,
            "parts": count,
        }


def _filled(store: Store, verdicts: int, minutes: float, *, end: datetime) -> int:
    console, began, filled = Console(stderr=True), perf_counter(), 0
    for filled in fill(store, verdicts, start=end - timedelta(days=_DAYS)):
        passed = perf_counter() - began
        console.print(f"{filled:,} verdicts after {passed:,.0f} s", highlight=False)
        if passed > minutes * 60:
            break
    return filled


def _measured(folder: str, wanted: int, minutes: float) -> dict[str, int | list[Row]]:
    store = open_store(StoreSettings(path=Path(folder) / "data"))
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)  # noqa: TID251  the shell's clock
    up(store, Retention(), now=end)
    verdicts = _filled(store, wanted, minutes, end=end)
    queries: list[Row] = [
        {"query": query.name, "span": span, **_timed(store, query, params)}
        for query in on_rollups()
        for span, params in spans(end).items()
    ]
    stored = list(_stored(store, verdicts))
    store.close()
    return {"queries": queries, "stored": stored, "verdicts": verdicts}


ROLLUPS = Measurement("rollups", rollups)


def main() -> None:
    """`python -m bench.scale.rollups FOLDER VERDICTS MINUTES` prints its rows as JSON and how far it is to stderr."""
    print(msgspec.json.encode(_measured(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))).decode())


if __name__ == "__main__":
    main()
