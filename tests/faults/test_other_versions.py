"""Events of other versions of the contract: what is new is passed over or set aside with a reason, nothing is lost."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import msgspec
import pytest
from loop.archive import all_stored
from loop.outcome import Outcome, assert_same, values
from loop.process import archiver, migrated, worker
from loop.run import Run, Undisturbed
from loop.stored import assert_stored

from broker.bulk import Outgoing
from broker.connection import KafkaSettings
from events.topics import DEAD_LETTERS, EVENT_TOPICS
from streams.books import Books

pytestmark = [pytest.mark.kafka, pytest.mark.embedded]
EVERY = 150
MODELS = {topic.name: model for topic, model in EVENT_TOPICS}
NEWER = {"assessor": {"name": "x", "scores": [1, 2.5, None]}, "zone": "eu|west", "weights": [], "at_ns": 2**60}
UNKNOWN = (("stage", "memory"), ("state", "rewritten"), ("category", "future_harm"), ("v", 2))
"""Values that only a later version knows. A request log has no such field but its version."""


def from_the_future(value: bytes) -> bytes:
    """With fields that nobody knows yet."""
    return msgspec.json.encode(msgspec.json.decode(value) | NEWER)


def from_the_past(topic: str, value: bytes) -> bytes:
    """Without every field that the first writers did not have to write."""
    model = MODELS[topic]
    return model.model_validate_json(value).model_dump_json(exclude_defaults=True).encode()


def of_other_versions(records: Sequence[Outgoing]) -> Iterator[Outgoing]:
    """The records, a third each newer, older and as they are; and some that only a later version can read."""
    unknown = cycle(UNKNOWN)
    for number, record in enumerate(records):
        value = record.value or b""
        yield record._replace(
            value=(from_the_future(value), from_the_past(record.topic, value), value)[number % 3],
        )
        if number % EVERY == 0:
            field, said = next(unknown)
            event = msgspec.json.decode(value)
            known = field if field in event else "v"
            changed = {"event_id": f"newer-{number}", known: said if known == field else 2}
            yield record._replace(value=msgspec.json.encode(event | changed))


def without_the_dead(outcome: Outcome) -> Outcome:
    books = {
        place: Books(one.topic, one.partition, one.read - one.dead, one.applied, one.late, one.duplicate)
        for place, one in outcome.books.items()
    }
    return replace(outcome, books=books)


async def test_newer_and_older_events_count_and_unknown_values_are_set_aside_with_their_field(
    apache: KafkaSettings, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    records, clickhouse = list(of_other_versions(undisturbed.records)), tmp_path / "clickhouse"
    bad = len(records) - len(undisturbed.records)
    migrated(clickhouse, tmp_path / "migrate.log")
    with (
        worker(apache, tmp_path / "worker.log", batch_records=500),
        archiver(apache, tmp_path / "archiver.log", clickhouse=clickhouse) as archiving,
    ):
        async with Run.fed(apache, records) as run:
            done = await run.done()
        await all_stored(apache)
        assert archiving.stop()[0] == 0
    assert_same(replace(done, outcome=without_the_dead(done.outcome)), without_the_dead(undisturbed.outcome))
    letters = await values(apache, DEAD_LETTERS)
    assert len(letters) == bad
    assert {one["kind"] for one in letters} == {"invalid"}
    reasons = Counter(one["reason"].partition(":")[0] for one in letters)
    assert reasons.keys() == {field for field, _ in UNKNOWN}, reasons
    assert_stored(clickhouse, undisturbed.records)
