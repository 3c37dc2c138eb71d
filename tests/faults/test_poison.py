"""Bad records on the log: a few lose no good one, a flood stops the worker until somebody says how to go on."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from time import monotonic

import msgspec
import pytest
import yaml
from loop.outcome import Outcome, assert_same, books_of, values
from loop.process import Process, worker
from loop.run import Run, Undisturbed
from loop.waiting import until

from broker.bulk import Outgoing
from broker.connection import KafkaSettings
from events.topics import DEAD_LETTERS, FILTER_VERDICTS
from streams.books import Books

pytestmark = pytest.mark.kafka
EVERY = 100


def truncated(value: bytes) -> bytes:
    return value[:-20]


def with_field(name: str, wrong: object) -> Callable[[bytes], bytes]:
    return lambda value: msgspec.json.encode(msgspec.json.decode(value) | {name: wrong})


BREAKS = (
    truncated,
    with_field("tenant", 7),
    with_field("subject", "jane@example.com"),
    with_field("at", "2199-01-01T00:00:00Z"),
    with_field("event_id", None),
    lambda _: b"\xff\xfe",
)


def poisoned(records: Sequence[Outgoing]) -> Iterator[Outgoing]:
    """The records, and after every hundredth of a topic a broken one of the same key."""
    breaks, seen = cycle(BREAKS), dict.fromkeys((record.topic for record in records), 0)
    for record in records:
        yield record
        seen[record.topic] += 1
        if seen[record.topic] % EVERY == 0:
            yield record._replace(value=next(breaks)(record.value or b""))


def without_the_dead(outcome: Outcome) -> Outcome:
    books = {
        place: Books(one.topic, one.partition, one.read - one.dead, one.applied, one.late, one.duplicate)
        for place, one in outcome.books.items()
    }
    return replace(outcome, books=books)


async def test_one_bad_record_in_a_hundred_loses_no_good_one(
    apache: KafkaSettings, undisturbed: Undisturbed, tmp_path: Path, told: Callable[[str], None]
) -> None:
    records, started = list(poisoned(undisturbed.records)), monotonic()
    bad = len(records) - len(undisturbed.records)
    with worker(apache, tmp_path / "worker.log", batch_records=500) as process:
        async with Run.fed(apache, records) as run:
            done = await run.done()
        assert process.stop()[0] == 0
    told(f"{len(records):,} records, {bad} of them bad, {monotonic() - started:.1f} s")
    assert sum(books.dead for books in done.outcome.books.values()) == bad
    assert_same(replace(done, outcome=without_the_dead(done.outcome)), without_the_dead(undisturbed.outcome))
    letters = await values(apache, DEAD_LETTERS)
    assert len({(one["topic"], one["partition"], one["offset"]) for one in letters}) == len(letters) == bad
    assert {one["kind"] for one in letters} == {"invalid", "future"}
    assert "jane@example.com" not in str(letters)


def policy_with(folder: Path, max_run: int) -> Path:
    path = folder / f"run-{max_run}.yaml"
    document = {"extends": "demo", "name": "strict", "author": "us", "dead_letters": {"max_run": max_run}}
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


async def assert_stops_plainly(process: Process, partition: int) -> None:
    assert await asyncio.to_thread(process.wait) == 1
    last = process.said.strip().splitlines()[-1]
    assert last.startswith(f"watchfloor: {FILTER_VERDICTS.name}/{partition} at offset "), last
    assert "more than 50 bad records in a row" in last
    assert "Traceback" not in process.said


async def test_a_flood_of_bad_records_stops_the_worker_until_the_policy_lets_them_pass(
    apache: KafkaSettings, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    verdicts = [one._replace(partition=1) for one in undisturbed.records if one.topic == FILTER_VERDICTS.name][:400]
    flood = [one._replace(value=truncated(one.value or b"")) for one in verdicts[:80]]
    place, strict = (FILTER_VERDICTS.name, 1), policy_with(tmp_path, 50)
    async with Run.fed(apache, [*verdicts[:200], *flood, *verdicts[200:]]) as run:
        with worker(apache, tmp_path / "strict.log", policy=strict) as process:
            await assert_stops_plainly(process, 1)
        before = (await books_of(apache)).get(place)
        for attempt in range(2):
            with worker(apache, tmp_path / f"again-{attempt}.log", policy=strict) as process:
                await assert_stops_plainly(process, 1)
        stopped = (await books_of(apache))[place]
        assert before is None or before.read <= stopped.read
        assert (stopped.applied, stopped.read) <= (200, 250)
        with worker(apache, tmp_path / "patient.log", policy=policy_with(tmp_path, 90)) as process:
            await until(lambda: run.share >= 1, "the patient worker reads on")
            assert process.stop()[0] == 0
    books = (await books_of(apache))[place]
    assert (books.read, books.applied, books.dead) == (480, 400, 80)
    assert books.balanced
