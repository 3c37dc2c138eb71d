"""A rehearsal: the worker's own lanes on a log in memory, under a clock of event time; it keeps no log and no state.

Live, replay, backtest and test are one code path: the lanes, their order within a partition and the partitioner are
the worker's. What lies between two lanes is handed on and dropped, so memory holds the states and what was found.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec

from alerts.ledger import LedgerEntry
from alerts.signal import Signal
from broker.bulk import Outgoing
from broker.partitioner import partition_of
from events.topics import BOOKS, EVENT_TOPICS, LEDGER, SIGNALS
from policy import LoadedPolicy
from streams.books import Books
from streams.lane import Lane
from streams.lanes import INPUTS, lane_factories
from streams.notify import NotifyLane
from streams.rehearsed import Rehearsed

BATCH = 5_000
"""Events between two flushes, as a busy worker has them."""
_EVENTS = frozenset(topic.name for topic, _ in EVENT_TOPICS)
_AGENTS = {agent: tuple(topic.name for topic in topics) for agent, topics in INPUTS if agent != NotifyLane.agent}
_OBSERVER = next(iter(_AGENTS))
_READERS = {topic: agent for agent, topics in _AGENTS.items() for topic in topics}


@dataclass(slots=True)
class _Record:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Rehearsal:
    """One policy's run over events that are fed in the order of the log. The same events give the same findings.

    The clock is the highest event time fed so far: a partition is idle when it is silent while others go on.
    """

    def __init__(self, policy: LoadedPolicy, *, partitions: int = 4) -> None:
        factories = lane_factories(policy, partitions=partitions)
        self.policy = policy
        self.found = Rehearsed()
        self._partitions = partitions
        self._lanes = {(agent, part): factories[agent](part) for agent in _AGENTS for part in range(partitions)}
        self._next: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._inbox: defaultdict[tuple[str, int], list[_Record]] = defaultdict(list)
        self._clock_ms = 0

    def feed(self, events: Iterable[Outgoing]) -> None:
        """Apply records of the event topics, and everything that follows from them. Raises TooManyDeadLetters."""
        for batch in _cut(events):
            for one in batch:
                self._append(one)
                if one.key is not None:
                    self.found.subjects.add(one.key)
            self._settle()

    def _append(self, one: Outgoing) -> None:
        stamp = self._clock_ms if one.timestamp_ms is None else one.timestamp_ms
        if one.topic in _EVENTS:
            self._clock_ms = max(self._clock_ms, stamp)
        key = one.partition_key if one.partition_key is not None else one.key or b""
        part = partition_of(key, self._partitions) if one.partition is None else one.partition % self._partitions
        place = (one.topic, part)
        self._inbox[place].append(_Record(self._next[place], stamp, one.key, one.value))
        self._next[place] += 1

    def _settle(self) -> None:
        """Let every observer read and publish, then whoever reads what came of it, until nothing is left."""
        signals: dict[str, Signal] = {}
        self._turn(_OBSERVER, range(self._partitions), signals)
        while self._inbox:
            for agent in _AGENTS:
                self._turn(agent, sorted({part for topic, part in self._inbox if _READERS[topic] == agent}), signals)

    def _turn(self, agent: str, parts: Iterable[int], signals: dict[str, Signal]) -> None:
        for part in parts:
            lane = self._lanes[agent, part]
            for topic in _AGENTS[agent]:
                if records := self._inbox.pop((topic, part), None):
                    lane.apply(topic, records)
            self._hand_on(lane, signals)

    def _hand_on(self, lane: Lane, signals: dict[str, Signal]) -> None:
        for one in lane.drain(self._clock_ms / 1000).outputs:
            if one.topic in _READERS:
                self._append(one)
            self._note(one, signals)

    def _note(self, one: Outgoing, signals: dict[str, Signal]) -> None:
        value = one.value or b""
        if one.topic == SIGNALS.name:
            signal = Signal.model_validate_json(value)
            signals[signal.id] = signal
            self.found.note_signal(signal)
        elif one.topic == LEDGER.name:
            self.found.note_entry(LedgerEntry.model_validate_json(value), signals)
        elif one.topic == BOOKS.name:
            self.found.note_books([msgspec.json.decode(value, type=Books)])


def _cut(events: Iterable[Outgoing]) -> Iterator[list[Outgoing]]:
    rest = iter(events)
    while batch := list(islice(rest, BATCH)):
        yield batch
