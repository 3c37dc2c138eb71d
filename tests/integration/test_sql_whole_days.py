"""Queries that read whole days where they can answer for any span what the hours alone would."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import combinations

import pytest
from sql_facts import NOON, fresh_store, new_archiver, records, request

from sql.batch import Batch
from sql.query import run_query
from sql.store import Store

pytestmark = pytest.mark.embedded
FIRST = NOON.replace(hour=0) - timedelta(days=10)
HOURS = [FIRST + timedelta(hours=7 * number) for number in range(14)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    sent = [request(f"r{number}:log", at + timedelta(minutes=30)) for number, at in enumerate(HOURS)]
    for store in fresh_store(tmp_path_factory.mktemp("clickhouse")):
        new_archiver(store).store_batch(Batch("request-logs", 0, records(sent)))
        yield store


def spans() -> Iterator[tuple[datetime, datetime]]:
    midnights = {at.replace(hour=0) for at in HOURS}
    return combinations(sorted({*HOURS, *midnights, HOURS[-1] + timedelta(hours=1)}), 2)


@pytest.mark.parametrize("name", ["by_model", "by_deployment", "by_language", "by_release"])
def test_whole_days_and_hours_of_cut_days_add_up(store: Store, name: str) -> None:
    for start, end in spans():
        expected = sum(start <= at < end for at in HOURS)
        rows = run_query(store, name, {"from": start, "to": end}).dicts()
        assert [(row["total"], row["users"]) for row in rows] == [(expected, 1)] * bool(expected), (start, end)
