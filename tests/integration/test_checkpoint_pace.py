"""How often the checkpoint flushes a lane that keeps up, one that is behind, and one whose facts somebody waits for."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from time import monotonic

import pytest

from broker.bulk import Outgoing
from broker.connection import KafkaSettings
from broker.topics import ensure_topics
from events.topics import LEDGER, OBSERVE_STATE, SIGNALS
from streams.checkpoint import Checkpoint
from streams.lane import Flush, Lane, Record


class Counting(Lane):
    """A lane that notes when it is flushed."""

    agent = "observe"
    state_topic = OBSERVE_STATE.name

    def __init__(self, partition: int) -> None:
        super().__init__(partition)
        self.flushed: list[float] = []

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Nothing is kept."""

    def apply(self, topic: str, records: Iterable[Record]) -> None:
        """Nothing is counted."""

    def changed(self) -> list[tuple[bytes, bytes | None]]:
        return []

    def drain(self, now: float, *, clock: float = 0.0) -> Flush:
        self.flushed.append(monotonic())
        return super().drain(now, clock=clock)


async def unexpected(failure: BaseException) -> None:
    raise failure


@pytest.fixture
async def checkpoint(broker: KafkaSettings) -> AsyncIterator[Checkpoint]:
    await ensure_topics(broker, [OBSERVE_STATE, LEDGER, SIGNALS])
    group = f"{broker.topic_prefix}worker"
    checkpoint = Checkpoint(broker, group, agents={"observe": Counting}, interval=0.1, on_failure=unexpected)
    await checkpoint.open("observe", 0)
    yield checkpoint
    await checkpoint.close()


async def flushed_while_applying(checkpoint: Checkpoint, topic: str, *, behind: float, seconds: float) -> list[float]:
    """Moments at which the lane is flushed that has a fact for `topic` every 10 ms."""
    lane = checkpoint.lane("observe", 0)
    assert isinstance(lane, Counting)
    await asyncio.sleep(0.5)
    lane.flushed.clear()
    end = monotonic() + seconds
    while monotonic() < end:
        lane.emit(Outgoing(topic, b"k", b"v", partition=0))
        await checkpoint.applied("observe", 0, behind=behind)
        await asyncio.sleep(0.01)
    return [*lane.flushed]


async def test_a_lane_that_is_far_behind_is_flushed_less_often(checkpoint: Checkpoint) -> None:
    keeping_up = await flushed_while_applying(checkpoint, LEDGER.name, behind=0.0, seconds=2.5)
    behind = await flushed_while_applying(checkpoint, LEDGER.name, behind=60.0, seconds=2.5)
    assert len(behind) <= 2 < len(keeping_up)


async def test_what_somebody_waits_for_comes_sooner_even_then(checkpoint: Checkpoint) -> None:
    behind = await flushed_while_applying(checkpoint, SIGNALS.name, behind=60.0, seconds=4.0)
    assert 3 <= len(behind) <= 11


async def test_a_lane_that_has_caught_up_does_not_wait_for_the_end_of_its_long_pause(checkpoint: Checkpoint) -> None:
    await flushed_while_applying(checkpoint, LEDGER.name, behind=60.0, seconds=0.5)
    lane = checkpoint.lane("observe", 0)
    assert isinstance(lane, Counting)
    lane.flushed.clear()
    started = monotonic()
    await checkpoint.applied("observe", 0, behind=0.0)
    while not lane.flushed:  # noqa: ASYNC110  a lane tells nobody that it is flushed
        await asyncio.sleep(0.01)
    assert lane.flushed[0] - started < 1.0
