"""What a worker has made of its input, read back from the committed log; comparable between runs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from broker.connection import KafkaSettings
from broker.view import read_all
from events.topics import (
    BOOKS,
    COMMANDS,
    ENFORCEMENTS,
    EVENT_TOPICS,
    INCIDENTS,
    LEDGER,
    SERIES_COUNTS,
    SERIES_SCORES,
    SIGNALS,
    Topic,
)
from streams.books import Books
from streams.series import DECODE, SeriesCount

INPUTS = (*(topic for topic, _ in EVENT_TOPICS), SERIES_COUNTS, SERIES_SCORES, SIGNALS, COMMANDS, INCIDENTS)
"""What the worker's lanes read."""
_BY_TIMING = frozenset({"category_spike", "silence"})


@dataclass(frozen=True)
class Outcome:
    """Two runs over the same input are right when these are equal.

    Spikes are looked for in minutes that are still open, so which of their signals come early is a matter of timing;
    what they raise is not. Silence is judged by the clock, not by the log, and left out.
    """

    signals: frozenset[str]
    """All but those of spikes and of silence."""
    incidents: frozenset[tuple[str, str]]
    """(detector, series) of what is raised."""
    decisions: frozenset[str]
    enforcements: dict[str, Any]
    """`tenant|subject` → the last value."""
    books: dict[tuple[str, int], Books]
    series: dict[tuple[str, int], tuple[int, int, int]]
    """(series, minute) → evaluated, flagged, blocked, summed over the source partitions."""


def assert_same(found: "Written", expected: Outcome) -> None:
    """Equal, and nothing committed twice; the parts one by one, so that a failure says which differs."""
    for part in fields(Outcome):
        assert getattr(found.outcome, part.name) == getattr(expected, part.name), part.name
    assert found.twice == frozenset()


@dataclass(frozen=True)
class Written:
    """The outcome, and the ids that were committed more than once."""

    outcome: Outcome
    twice: frozenset[str]


async def written(kafka: KafkaSettings) -> Written:
    """Read the committed log."""
    signals = [(record["detector"], record["id"]) for record in await values(kafka, SIGNALS)]
    ledger = [(record["kind"], record["id"], record["about"]) for record in await values(kafka, LEDGER)]
    outcome = Outcome(
        signals=frozenset(id_ for detector, id_ in signals if detector not in _BY_TIMING),
        incidents=frozenset(
            (one["detector"], one["series"])
            for one in (await latest(kafka, INCIDENTS)).values()
            if one["detector"] != "silence"
        ),
        decisions=frozenset(about for kind, _, about in ledger if kind == "decision"),
        enforcements=await latest(kafka, ENFORCEMENTS),
        books=await books_of(kafka),
        series=await _series(kafka),
    )
    seen = Counter(id_ for _, id_ in signals) + Counter(id_ for _, id_, _ in ledger)
    return Written(outcome, frozenset(id_ for id_, times in seen.items() if times > 1))


async def values(kafka: KafkaSettings, topic: Topic) -> list[Any]:
    """Every committed value of a topic, decoded."""
    every = range(kafka.partitions)
    return [msgspec.json.decode(record.value or b"null") async for record in read_all(kafka, topic, every)]


async def latest(kafka: KafkaSettings, topic: Topic) -> dict[str, Any]:
    """The last value per key of a compacted topic."""
    found: dict[str, Any] = {}
    async for record in read_all(kafka, topic, range(kafka.partitions)):
        found[(record.key or b"").decode()] = msgspec.json.decode(record.value or b"null")
    return found


async def books_of(kafka: KafkaSettings) -> dict[tuple[str, int], Books]:
    """The last books per topic and partition."""
    found = [msgspec.convert(value, Books) for value in (await latest(kafka, BOOKS)).values()]
    return {(one.topic, one.partition): one for one in found}


async def _series(kafka: KafkaSettings) -> dict[tuple[str, int], tuple[int, int, int]]:
    latest_totals: dict[tuple[str, int, int], tuple[int, int, int]] = {}
    async for record in read_all(kafka, SERIES_COUNTS, range(kafka.partitions)):
        count = DECODE(record.value or b"")
        if isinstance(count, SeriesCount):
            slot = count.series, count.minute, count.source
            total = count.evaluated, count.flagged, count.blocked
            latest_totals[slot] = max(total, latest_totals.get(slot, total))
    sums: dict[tuple[str, int], tuple[int, int, int]] = {}
    for (series, minute, _), (evaluated, flagged, blocked) in latest_totals.items():
        before = sums.get((series, minute), (0, 0, 0))
        sums[series, minute] = before[0] + evaluated, before[1] + flagged, before[2] + blocked
    return sums


async def settled(kafka: KafkaSettings, group: str, topics: Iterable[Topic] = INPUTS) -> bool:
    """Whether the group has applied everything that is in its input topics, those that it writes itself included."""
    ends: dict[tuple[str, int], int] = {}
    for topic in topics:
        async for record in read_all(kafka, topic, range(kafka.partitions)):
            ends[record.topic, record.partition] = record.offset + 1
    committed = await committed_offsets(kafka, group)
    return all(committed.get(place, 0) >= end for place, end in ends.items())


async def committed_offsets(kafka: KafkaSettings, group: str) -> dict[tuple[str, int], int]:
    """The group's next offset per topic on the wire and partition; none while its coordinator is being found."""
    admin = AIOKafkaAdminClient(**kafka.options())
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:
        return {}
    finally:
        await admin.close()
    return {(place.topic, place.partition): found.offset for place, found in offsets.items()}
