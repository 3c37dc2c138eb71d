"""Events that are repeated, shuffled, late or of the future, from end to end: what does not count changes nothing."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest
from loop.archive import all_stored
from loop.disorder import disordered, shuffled
from loop.outcome import Outcome, assert_same
from loop.process import archiver, migrated, worker
from loop.run import Run, Undisturbed
from loop.stored import assert_stored

from broker.connection import KafkaSettings
from streams.books import Books

pytestmark = [pytest.mark.kafka, pytest.mark.embedded]
BY_ORDER = frozenset({"signals", "decisions", "enforcements"})
"""What is concluded about a user or a score in between depends on what was known then, and so on the order."""


def only_applied(outcome: Outcome) -> Outcome:
    books = {place: Books(one.topic, one.partition, applied=one.applied) for place, one in outcome.books.items()}
    return replace(outcome, books=books)


async def test_repeated_late_and_future_events_change_nothing(
    apache: KafkaSettings, undisturbed: Undisturbed, tmp_path: Path, told: Callable[[str], None]
) -> None:
    records, extra = disordered(undisturbed.records, seed=3)
    with worker(apache, tmp_path / "worker.log", batch_records=500):
        async with Run.fed(apache, records) as run:
            done = await run.done()
    told(f"{len(undisturbed.records):,} records and {dict(extra)}")
    booked = {
        kind: sum(getattr(books, name) for books in done.outcome.books.values())
        for kind, name in (("duplicate", "duplicate"), ("late", "late"), ("future", "dead"))
    }
    assert booked == dict(extra)
    assert all(books.balanced for books in done.outcome.books.values())
    assert_same(replace(done, outcome=only_applied(done.outcome)), only_applied(undisturbed.outcome))


async def test_events_shuffled_within_the_lateness_are_all_counted(
    apache: KafkaSettings, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    records = list(shuffled(undisturbed.records, within=timedelta(minutes=5), seed=4))
    clickhouse = tmp_path / "clickhouse"
    migrated(clickhouse, tmp_path / "migrate.log")
    with (
        worker(apache, tmp_path / "worker.log", batch_records=500),
        archiver(apache, tmp_path / "archiver.log", clickhouse=clickhouse) as archiving,
    ):
        async with Run.fed(apache, records) as run:
            done = await run.done()
        await all_stored(apache)
        assert archiving.stop()[0] == 0
    found, expected = only_applied(done.outcome), only_applied(undisturbed.outcome)
    for part in fields(Outcome):
        if part.name not in BY_ORDER:
            assert getattr(found, part.name) == getattr(expected, part.name), part.name
    assert done.twice == frozenset()
    assert_stored(clickhouse, records)
