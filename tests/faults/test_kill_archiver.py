"""An archiver that is killed mid-stream: ClickHouse ends up equal to the log, and a second sending moves nothing."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from loop.archive import all_stored, reaches, send
from loop.fixed import fixed_input
from loop.process import archiver, migrated
from loop.stored import assert_stored

from broker.connection import KafkaSettings
from broker.topics import ensure_topics

pytestmark = [pytest.mark.kafka, pytest.mark.embedded]

RECORDS = 24_000


async def test_three_kills_mid_stream_and_a_second_sending_leave_clickhouse_equal_to_the_log(
    apache: KafkaSettings, tmp_path: Path, told: Callable[[str], None]
) -> None:
    records, clickhouse = fixed_input()[:RECORDS], tmp_path / "clickhouse"
    migrated(clickhouse, tmp_path / "migrate.log")
    await ensure_topics(apache)
    await send(apache, records)

    started, killed_at = monotonic(), list[float]()
    with archiver(apache, tmp_path / "archiver.log", clickhouse=clickhouse) as process:
        for share in (0.1, 0.4, 0.7):
            killed_at.append(await reaches(apache, share * len(records)) / len(records))
            process.kill()
            process.restart()
        assert max(killed_at) < 1
        await all_stored(apache)
        assert process.stop()[0] == 0
        told(f"{len(records):,} events, kills at {killed_at}, {monotonic() - started:.1f} s")
        assert_stored(clickhouse, records)

        await send(apache, records)
        process.restart()
        await all_stored(apache)
        assert process.stop()[0] == 0
    assert_stored(clickhouse, records)
