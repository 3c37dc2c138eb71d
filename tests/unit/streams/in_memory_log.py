"""The whole worker on a log in memory: real lanes and the real partitioner, no broker, no clock, no Faust."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from stream_records import START, Raw, reopened

from alerts.notify.delivery import Delivered
from broker.bulk import Outgoing
from broker.partitioner import partition_of
from events import FilterVerdict
from events.topics import COMMANDS, FILTER_HOLDS, FILTER_VERDICTS, INCIDENTS, SERIES_COUNTS, SERIES_SCORES, SIGNALS
from policy.version import LoadedPolicy
from streams.decide import DecideLane
from streams.detect import DetectLane
from streams.lane import Flush, Lane
from streams.notify import NotifyLane
from streams.observe import ObserveLane

PARTITIONS = 2
AGENTS = ("observe", "detect", "decide", "notify")
INPUTS = {
    "observe": (FILTER_VERDICTS.name,),
    "detect": (SERIES_COUNTS.name, SERIES_SCORES.name),
    "decide": (SIGNALS.name, COMMANDS.name, FILTER_HOLDS.name),
    "notify": (INCIDENTS.name,),
}
LATER = START + timedelta(days=1)


class Place(NamedTuple):
    """One agent's lane of one partition."""

    agent: str
    partition: int


PLACES = tuple(Place(agent, partition) for agent in AGENTS for partition in range(PARTITIONS))


class InMemoryLog:
    """Topics with their records, lanes that read them, and the offsets that were committed."""

    def __init__(
        self,
        policy: LoadedPolicy,
        events: Iterable[FilterVerdict],
        arrival: Callable[[FilterVerdict], datetime] = lambda event: event.at,
    ) -> None:
        self._policy = policy
        self._topics: defaultdict[tuple[str, int], list[Raw]] = defaultdict(list)
        self._read: defaultdict[tuple[Place, str], int] = defaultdict(int)
        self._committed: defaultdict[tuple[Place, str], int] = defaultdict(int)
        for event in events:
            key, stamp = f"{event.tenant}|{event.subject}".encode(), int(arrival(event).timestamp() * 1000)
            value = event.model_dump_json(exclude_none=True).encode()
            self._append(Outgoing(FILTER_VERDICTS.name, key, value, timestamp_ms=stamp))
        self._lanes = {place: self._opened(place) for place in PLACES}

    def values(self, topic: str) -> list[dict[str, Any]]:
        """Every record of a topic, partition by partition."""
        parts = (self._topics[topic, partition] for partition in range(PARTITIONS))
        return [msgspec.json.decode(record.value or b"") for part in parts for record in part]

    def latest(self, topic: str) -> dict[bytes | None, bytes | None]:
        """What compaction leaves of a topic."""
        parts = (self._topics[topic, partition] for partition in range(PARTITIONS))
        return {record.key: record.value for part in parts for record in part}

    def step(self, place: Place, limit: int) -> bool:
        """Let a lane read up to `limit` records of each of its topics. True if there were any."""
        moved = False
        for topic in INPUTS[place.agent]:
            start = self._read[place, topic]
            batch = self._topics[topic, place.partition][start : start + limit]
            if batch:
                self._lanes[place].apply(topic, batch)
                self._read[place, topic] = batch[-1].offset + 1
                moved = True
        return moved

    def flush(self, place: Place) -> None:
        """Outputs, states and offsets become durable together."""
        flush = self._drained(place)
        for one in (*flush.outputs, *flush.state):
            self._append(one)
        for (topic, _), offset in flush.offsets.items():
            self._committed[place, topic] = offset

    def crash(self, place: Place, *, written: int) -> None:
        """The lane dies in a flush without a transaction, after `written` of its records (or fewer); it is reopened."""
        flush = self._drained(place)
        for one in (*flush.outputs, *flush.state)[:written]:
            self._append(one)
        for topic in INPUTS[place.agent]:
            self._read[place, topic] = self._committed[place, topic]
        self._lanes[place] = self._opened(place)

    def finish(self, limit: int = 1_000_000) -> None:
        """Go on, `limit` records at a time, until nobody has anything left to read."""
        while sum(self._turn(place, limit) for place in PLACES):
            pass

    def _turn(self, place: Place, limit: int) -> bool:
        moved = self.step(place, limit)
        self.flush(place)
        return moved

    def _drained(self, place: Place) -> Flush:
        lane = self._lanes[place]
        if isinstance(lane, NotifyLane):
            for key, notification in list(lane.due(LATER)):
                lane.settle(key, notification, delivery=Delivered(200), now=LATER)
        return lane.drain(0.0)

    def _append(self, one: Outgoing) -> None:
        key = one.partition_key if one.partition_key is not None else one.key or b""
        partition = partition_of(key, PARTITIONS) if one.partition is None else one.partition
        log = self._topics[one.topic, partition]
        log.append(Raw(len(log), one.timestamp_ms or int(START.timestamp() * 1000), one.key, one.value))

    def _opened(self, place: Place) -> Lane:
        lane = self._new(place)
        state = self._topics[lane.state_topic, place.partition]
        return reopened(lane, [Outgoing(lane.state_topic, one.key, one.value) for one in state])

    def _new(self, place: Place) -> Lane:
        if place.agent == "observe":
            return ObserveLane(place.partition, policy=self._policy, partitions=PARTITIONS)
        if place.agent == "detect":
            return DetectLane(place.partition, policy=self._policy, partitions=PARTITIONS)
        if place.agent == "decide":
            return DecideLane(place.partition, policy=self._policy, partitions=PARTITIONS)
        return NotifyLane(place.partition, policy=self._policy)
