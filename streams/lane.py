"""A lane: what one worker keeps for one input partition of one agent. It computes; the checkpoint makes it durable."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from broker.bulk import Outgoing
from events.topics import ENFORCEMENTS, FILTER_HOLDS, INCIDENTS, SIGNALS

_AWAITED = frozenset({ENFORCEMENTS.name, FILTER_HOLDS.name, INCIDENTS.name, SIGNALS.name})
"""Topics of facts that are rare, and that somebody downstream is waiting for."""


class Record(Protocol):
    """A raw Kafka record, as the client delivers it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Source(NamedTuple):
    """An input partition."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Flush:
    """Everything a lane has produced since the last flush, in the order in which it must become durable."""

    outputs: tuple[Outgoing, ...]
    """Facts for others: signals, counts, ledger entries."""
    state: tuple[Outgoing, ...]
    """Changed states, after the outputs that they account for."""
    offsets: Mapping[Source, int]
    """The next offset to read per input partition."""

    @property
    def empty(self) -> bool:
        """Nothing was read and nothing changed."""
        return not (self.outputs or self.state or self.offsets)


@dataclass(slots=True)
class Outbox:
    """What is waiting for the next flush."""

    outputs: list[Outgoing] = field(default_factory=list)
    offsets: dict[Source, int] = field(default_factory=dict)
    awaited: bool = False
    """Whether it should be flushed soon."""


class Lane(ABC):
    """One agent's share of one partition: its states, its outbox and its position in each input topic.

    All methods run on the worker's event loop without awaiting, so a lane is never seen half-changed.
    """

    agent: str
    state_topic: str

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.outbox = Outbox()
        self.position: dict[Source, int] = {}

    @abstractmethod
    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the state topic back; the last one per key wins, None forgets the key."""

    @abstractmethod
    def apply(self, topic: str, records: Iterable[Record]) -> None:
        """Apply a batch of one input topic; records below `position` were applied before."""

    @abstractmethod
    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """Keys and values of the states that changed since the last call; the call clears them."""

    def read_to(self, topic: str, next_offset: int) -> None:
        """Everything below `next_offset` of `topic` has been applied."""
        source = Source(topic, self.partition)
        self.position[source] = next_offset
        self.outbox.offsets[source] = next_offset

    def emit(self, record: Outgoing) -> None:
        """Send with the next flush."""
        self.outbox.outputs.append(record)
        if record.topic in _AWAITED:
            self.outbox.awaited = True

    def restored(self) -> None:  # noqa: B027  a hook that most lanes do without
        """Called once, when every state record has been taken back."""

    def drain(self, now: float, *, clock: float = 0.0) -> Flush:
        """What the next flush has to make durable; the lane starts afresh.

        `now` is monotonic seconds, `clock` seconds since 1970.
        """
        state = tuple(Outgoing(self.state_topic, key, value, self.partition) for key, value in self.changed())
        outbox, self.outbox = self.outbox, Outbox()
        return Flush(outputs=tuple(outbox.outputs), state=state, offsets=outbox.offsets)
