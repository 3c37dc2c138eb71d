"""The observe lanes of all partitions, fed from memory as the worker feeds them; there is no broker."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from time import process_time

from bench.parts import Record
from bench.workload import Event
from broker.partitioner import partition_of
from events.topics import FILTER_VERDICTS
from policy import load_policy
from streams.lane import Flush
from streams.observe import ObserveLane

_BATCH = 5_000
_YEAR_2100_MS = 4_102_444_800_000
"""The broker's time of every record: no event is from the future."""


class Lanes:
    """Feeds records in batches and drains every lane after each batch; counts the CPU time that this takes."""

    def __init__(self, partitions: int = 4, *, on_flush: Callable[[Flush], object] = lambda _flush: None) -> None:
        policy = load_policy("azure-default")
        self.lanes = [ObserveLane(number, policy=policy, partitions=partitions) for number in range(partitions)]
        self.cpu_seconds = 0.0
        self._on_flush = on_flush
        self._ends: dict[tuple[str, int], int] = {}

    def feed(self, events: Iterator[Event], *, topic: str = FILTER_VERDICTS.name) -> None:
        """Apply all of them; making them is not in the CPU time."""
        while batch := list(islice(events, _BATCH)):
            parted = self._parted(topic, batch)
            started = process_time()
            for lane, records in zip(self.lanes, parted, strict=True):
                if records:
                    lane.apply(topic, records)
                    self._on_flush(lane.drain(0.0))
            self.cpu_seconds += process_time() - started

    def applied(self, topic: str = FILTER_VERDICTS.name) -> int:
        """Events of the topic that counted."""
        return sum(lane.intakes[topic].books.applied for lane in self.lanes)

    def _parted(self, topic: str, events: Iterable[Event]) -> list[list[Record]]:
        parted: list[list[Record]] = [[] for _ in self.lanes]
        for event in events:
            partition = partition_of(event.key, len(self.lanes))
            offset = self._ends.get((topic, partition), 0)
            self._ends[topic, partition] = offset + 1
            parted[partition].append(Record(offset, _YEAR_2100_MS, event.key, event.value))
        return parted
