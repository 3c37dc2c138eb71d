"""Batches that are read ahead say the same wherever they are read; a lost process is an error."""

import os
import signal
from pathlib import Path

import pytest
from sql_facts import raw, records, verdict

from events.topics import ENFORCEMENTS, FILTER_VERDICTS
from sql.batch import Record
from sql.errors import ReaderLost
from sql.reader import Reader
from sql.rows import Rows

TOPIC = FILTER_VERDICTS.name
LARGE = 6_000
"""More than is read in the archiver's own process."""


def many(size: int) -> list[Record]:
    """A third of them cannot be read."""
    good = records([verdict(f"r{number}:prompt:hate") for number in range(size)])
    return [one if one.offset % 3 else raw(b"{", one.offset) for one in good]


def children() -> set[int]:
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text("ascii").split()}


async def read(reader: Reader, found: list[Record]) -> Rows:
    rows = await reader.read(TOPIC, found)
    assert rows is not None
    return rows


async def test_a_large_batch_is_read_elsewhere_and_says_the_same() -> None:
    before, found = children(), many(LARGE)
    alone, reader = Reader(own_process=False, future_ms=0), Reader(own_process=True, future_ms=0)
    try:
        here, there = await read(alone, found), await read(reader, found)
        assert len(children() - before) >= 1
        assert there.content.equals(here.content)
        assert (there.invalid, there.read, len(there)) == (here.invalid, here.read, len(here)) == (2_000, LARGE, 4_000)
        for one, other in zip(
            (there.micros, there.offsets, there.hashes), (here.micros, here.offsets, here.hashes), strict=True
        ):
            assert (one == other).all()
    finally:
        reader.close()
        alone.close()


async def test_a_small_batch_starts_no_process() -> None:
    before, reader = children(), Reader(own_process=True, future_ms=0)
    assert len(await read(reader, many(9))) == 6
    assert children() == before
    reader.close()


async def test_records_that_are_stored_as_they_are_are_not_read() -> None:
    reader = Reader(own_process=True, future_ms=0)
    assert await reader.read(ENFORCEMENTS.name, [raw(b"{}", number) for number in range(LARGE)]) is None


async def test_a_lost_process_is_an_error() -> None:
    before, reader = children(), Reader(own_process=True, future_ms=0)
    await read(reader, many(LARGE))
    for child in children() - before:
        os.kill(child, signal.SIGKILL)
    with pytest.raises(ReaderLost):
        await reader.read(TOPIC, many(LARGE))
    reader.close()
