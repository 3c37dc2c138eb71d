"""ClickHouse's Kafka engine and a materialized view per count, in process; triggers are asked for, not pushed."""

import json
from time import sleep
from typing import Any

from chdb import session

from bench.peers.place import Place, Progress
from bench.peers.task import SERIES, TRIGGER

_LOOK_SECONDS = 0.25
_FLUSH_MS = 1_000
"""How long a block is collected at most; 7,500 by default, which would leave a short run waiting at its end."""
_KEYS = ", ".join(SERIES)
_COLUMNS = ", ".join(f"{name} String" for name in SERIES)

_TABLES = f"""
CREATE DATABASE peer ENGINE = Atomic;
CREATE TABLE peer.subjects (tenant String, subject String, evaluated UInt64, blocked UInt64)
    ENGINE = SummingMergeTree ORDER BY (tenant, subject);
CREATE TABLE peer.series ({_COLUMNS}, minute DateTime, evaluated UInt64, flagged UInt64)
    ENGINE = SummingMergeTree ORDER BY ({_KEYS}, minute);
CREATE TABLE peer.queue ({_COLUMNS}, subject String, at DateTime64(6, 'UTC'), state String)
    ENGINE = Kafka SETTINGS kafka_broker_list = '%(bootstrap)s', kafka_topic_list = '%(topic)s',
    kafka_group_name = '%(group)s', kafka_format = 'JSONEachRow', kafka_num_consumers = 2,
    kafka_thread_per_consumer = 1, kafka_flush_interval_ms = {_FLUSH_MS},
    input_format_skip_unknown_fields = 1, date_time_input_format = 'best_effort';
CREATE MATERIALIZED VIEW peer.to_subjects TO peer.subjects AS
    SELECT tenant, subject, count() AS evaluated, countIf(state = 'blocked') AS blocked
    FROM peer.queue GROUP BY tenant, subject;
CREATE MATERIALIZED VIEW peer.to_series TO peer.series AS
    SELECT {_KEYS}, toStartOfMinute(at) AS minute, count() AS evaluated, countIf(state != 'clean') AS flagged
    FROM peer.queue GROUP BY {_KEYS}, minute
"""
_DONE = "SELECT sum(evaluated) AS done FROM peer.%s"
_TRIGGERS = f"""
SELECT tenant || '|' || subject AS key FROM peer.subjects GROUP BY tenant, subject HAVING sum(blocked) >= {TRIGGER}
"""


def main() -> None:
    """Create the tables, then look at them until stopped."""
    place = Place.from_arguments()
    engine = session.Session(str(place.folder / "clickhouse"))
    for statement in (_TABLES % place._asdict()).split(";"):
        engine.query(statement)
    progress, known = Progress(place.folder, branches=2), set[str]()
    while True:
        sleep(_LOOK_SECONDS)
        done = [int(_rows(engine, _DONE % table)[0]["done"]) for table in ("subjects", "series")]
        found = {row["key"] for row in _rows(engine, _TRIGGERS)} - known
        known |= found
        progress.trigger(found)
        for branch, events in enumerate(done):
            progress.set(events, branch)


def _rows(engine: Any, query: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in str(engine.query(query, "JSONEachRow")).splitlines()]


if __name__ == "__main__":
    main()
