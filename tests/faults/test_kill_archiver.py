"""An archiver that is killed mid-stream: ClickHouse ends up equal to the log, and a second sending moves nothing."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

import msgspec
import pytest
from loop.fixed import fixed_input
from loop.outcome import committed_offsets, settled
from loop.process import archiver, archiver_group_of, migrated
from loop.waiting import until

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.topics import ensure_topics
from events.topics import FILTER_VERDICTS, REQUEST_LOGS
from sql.settings import StoreSettings
from sql.store import Store, open_store

pytestmark = [pytest.mark.kafka, pytest.mark.embedded]

RECORDS = 24_000
Cells = Counter[tuple[str, str]]
"""(minute or a coarser time, category) → verdicts."""


def sent_cells(records: Sequence[Outgoing], length: int) -> Cells:
    """Verdicts by the first `length` characters of their time, in UTC, and category."""
    verdicts = [msgspec.json.decode(one.value or b"") for one in records if one.topic == FILTER_VERDICTS.name]
    return Counter((one["at"][:length], one["category"]) for one in verdicts)


def stored_cells(store: Store, query: str, length: int) -> Cells:
    return Counter({(at.isoformat()[:length], category): int(count) for at, category, count in store.query(query).rows})


RAW = "SELECT toStartOfMinute(at) AS minute, category, count() FROM filter_verdicts GROUP BY minute, category"
ROLLUPS = {
    "minute": "SELECT minute, category, sum(verdicts) FROM verdicts_by_minute GROUP BY minute, category",
    "hour": "SELECT hour, category, sum(verdicts) FROM verdicts_by_hour GROUP BY hour, category",
    "day": "SELECT day, category, sum(verdicts) FROM verdicts_by_day GROUP BY day, category",
}
LENGTHS = {"minute": len("2026-03-02T08:00"), "hour": len("2026-03-02T08"), "day": len("2026-03-02")}


def assert_stored(clickhouse: Path, records: Sequence[Outgoing]) -> None:
    """Raw rows and every rollup equal what was sent."""
    store = open_store(StoreSettings(path=clickhouse))
    try:
        assert stored_cells(store, RAW, LENGTHS["minute"]) == sent_cells(records, LENGTHS["minute"])
        for name, query in ROLLUPS.items():
            assert stored_cells(store, query, LENGTHS[name]) == sent_cells(records, LENGTHS[name]), name
        requests = sum(record.topic == REQUEST_LOGS.name for record in records)
        for query in ("SELECT count() FROM request_logs", "SELECT sum(requests) FROM requests_by_minute"):
            assert store.query(query).rows[0][0] == requests, query
    finally:
        store.close()


async def send(kafka: KafkaSettings, records: Sequence[Outgoing]) -> None:
    producer = BulkProducer(kafka)
    await producer.start()
    try:
        await producer.send(records)
    finally:
        await producer.stop()


async def test_three_kills_mid_stream_and_a_second_sending_leave_clickhouse_equal_to_the_log(
    apache: KafkaSettings, tmp_path: Path, told: Callable[[str], None]
) -> None:
    records, clickhouse, group = fixed_input()[:RECORDS], tmp_path / "clickhouse", archiver_group_of(apache)
    inputs = (FILTER_VERDICTS, REQUEST_LOGS)
    migrated(clickhouse, tmp_path / "migrate.log")
    await ensure_topics(apache)
    await send(apache, records)

    async def stored_share() -> float:
        offsets = await committed_offsets(apache, group)
        return sum(offset for offset in offsets.values() if offset > 0) / len(records)

    async def reaches(share: float) -> float:
        async def look() -> float:
            return reached if (reached := await stored_share()) >= share else 0.0

        return await until(look, f"{share:.0%} of the records stored")

    started, killed_at = monotonic(), []
    with archiver(apache, tmp_path / "archiver.log", clickhouse=clickhouse) as process:
        for share in (0.1, 0.4, 0.7):
            killed_at.append(await reaches(share))
            process.kill()
            process.restart()
        assert max(killed_at) < 1
        await until(lambda: settled(apache, group, inputs), "all is stored", every=0.2)
        assert process.stop()[0] == 0
        told(f"{len(records):,} events, kills at {killed_at}, {monotonic() - started:.1f} s")
        assert_stored(clickhouse, records)

        await send(apache, records)
        process.restart()
        await until(lambda: settled(apache, group, inputs), "the second sending is judged", every=0.2)
        assert process.stop()[0] == 0
    assert_stored(clickhouse, records)
