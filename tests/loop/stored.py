"""What an archiver has made of its input, read back from ClickHouse and held against what was sent."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from broker.bulk import Outgoing
from events.topics import FILTER_VERDICTS, REQUEST_LOGS
from sql.settings import StoreSettings
from sql.store import Store, open_store

Cells = Counter[tuple[str, str]]
"""(minute or a coarser time, category) → verdicts."""

RAW = "SELECT toStartOfMinute(at) AS minute, category, count() FROM filter_verdicts GROUP BY minute, category"
ROLLUPS = {
    "minute": "SELECT minute, category, sum(verdicts) FROM verdicts_by_minute GROUP BY minute, category",
    "hour": "SELECT hour, category, sum(verdicts) FROM verdicts_by_hour GROUP BY hour, category",
    "day": "SELECT day, category, sum(verdicts) FROM verdicts_by_day GROUP BY day, category",
    "category": "SELECT hour, category, sum(verdicts) FROM categories_by_hour GROUP BY hour, category",
}
LENGTHS = {
    "minute": len("2026-03-02T08:00"),
    "hour": len("2026-03-02T08"),
    "day": len("2026-03-02"),
    "category": len("2026-03-02T08"),
}
REQUESTS = (
    "SELECT count() FROM request_logs",
    "SELECT sum(requests) FROM requests_by_minute",
    "SELECT sum(requests) FROM dimensions_by_hour WHERE dimension = 'release'",
    "SELECT sum(requests) FROM dimensions_by_day WHERE dimension = 'model'",
)


def sent_cells(records: Sequence[Outgoing], length: int) -> Cells:
    """Distinct verdicts by the first `length` characters of their time, in UTC, and category."""
    decoded = [msgspec.json.decode(one.value or b"") for one in records if one.topic == FILTER_VERDICTS.name]
    distinct = {one["event_id"]: one for one in decoded}.values()
    return Counter((one["at"][:length], one["category"]) for one in distinct)


def stored_cells(store: Store, query: str, length: int) -> Cells:
    def text(at: datetime) -> str:
        return at.isoformat()[:length]

    return Counter({(text(at), category): int(count) for at, category, count in store.query(query).rows})


def assert_stored(clickhouse: Path | StoreSettings, records: Sequence[Outgoing]) -> None:
    """Raw rows and every rollup equal the distinct events of `records`, of one tenant and all of them good."""
    store = open_store(StoreSettings(path=clickhouse) if isinstance(clickhouse, Path) else clickhouse)
    try:
        assert stored_cells(store, RAW, LENGTHS["minute"]) == sent_cells(records, LENGTHS["minute"])
        for name, query in ROLLUPS.items():
            assert stored_cells(store, query, LENGTHS[name]) == sent_cells(records, LENGTHS[name]), name
        requests = len({one.value for one in records if one.topic == REQUEST_LOGS.name})
        for query in REQUESTS:
            assert store.query(query).rows[0][0] == requests, query
    finally:
        store.close()
