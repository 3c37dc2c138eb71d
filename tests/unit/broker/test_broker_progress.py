"""The archiver's positions are told when they change, and again when telling failed."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from broker.bulk import Outgoing
from broker.errors import SendFailed
from broker.progress import Progress, ProgressTeller

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOPICS = frozenset({"filter-verdicts"})


class Log:
    """Takes what is sent, but for the first `failures` times."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.told: list[Progress] = []
        self.partitions: list[int | None] = []
        self.turn = asyncio.Event()

    async def send(self, records: Sequence[Outgoing]) -> None:
        self.turn.set()
        if self.failures:
            self.failures -= 1
            raise SendFailed("no answer")
        self.told += [msgspec.json.decode(one.value or b"", type=Progress) for one in records]
        self.partitions += [one.partition for one in records]


async def told(log: Log, teller: ProgressTeller, turns: int = 3) -> list[tuple[str, int, int]]:
    async with asyncio.timeout(5), teller.telling(0.0):
        for _ in range(turns):
            await log.turn.wait()
            log.turn.clear()
    return [(one.topic, one.partition, one.next_offset) for one in log.told]


def teller_of(log: Log) -> ProgressTeller:
    return ProgressTeller(log.send, topics=TOPICS, clock=lambda: NOW)


async def test_the_latest_position_is_told_once_to_the_lane_of_its_partition() -> None:
    log = Log()
    teller = teller_of(log)
    teller.note("filter-verdicts", 3, 10)
    teller.note("filter-verdicts", 3, 20)
    assert await told(log, teller) == [("filter-verdicts", 3, 20)]
    assert log.partitions == [3]
    assert (log.told[0].by, log.told[0].clock) == ("archiver", NOW.timestamp())


async def test_topics_that_nobody_watches_are_passed_over() -> None:
    log = Log()
    teller = teller_of(log)
    teller.note("signals", 0, 10)
    assert await told(log, teller) == []


async def test_what_could_not_be_told_is_told_the_next_time() -> None:
    log = Log(failures=2)
    teller = teller_of(log)
    teller.note("filter-verdicts", 0, 10)
    assert await told(log, teller, turns=4) == [("filter-verdicts", 0, 10)]
