"""Intake of one input partition: decodes records, books each of them once, and says which ones count."""

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import Any, NamedTuple

import msgspec

from events import Event
from events.decoder import Decoder
from events.errors import InvalidRecord
from events.seen import Seen, event_hash, event_hashes
from policy.policy import Policy
from streams.books import Books
from streams.dead_letters import DeadLetter, DeadLetterGuard
from streams.errors import TooManyDeadLetters
from streams.lane import Record

_MOST_SEEN = 5_000_000
_TOGETHER = 512
"""Records that are looked at together; one odd record among them sends them all to be looked at one by one."""


class Chunk(NamedTuple):
    """Events that count, being new, valid and in time, in the order of the log; three lists of one length."""

    offsets: list[int]
    ats: list[float]
    """Event times, seconds since the epoch."""
    events: list[Any]
    """In the shape of their model."""


class Position(msgspec.Struct, array_like=True):
    """How far an input partition has been applied; written after everything that it accounts for."""

    next_offset: int
    watermark: float
    """Highest event time seen, seconds since the epoch."""
    books: Books
    bad_run: int


class Intake:
    """One topic's records of one partition. Its state is the position, the books and the ids of recent events."""

    def __init__(self, topic: str, partition: int, *, model: type[Event], policy: Policy) -> None:
        self.topic, self.partition = topic, partition
        self.books = Books(topic, partition)
        self.high = 0.0
        self.letters: list[DeadLetter] = []
        self._decode = Decoder(model).decode_many
        self._guard = DeadLetterGuard(topic, partition, policy.dead_letters)
        self._lateness = policy.lateness.allowed.total_seconds()
        self._future = policy.lateness.future.total_seconds()
        self._seen = Seen(_MOST_SEEN)
        self._fresh: defaultdict[int, list[int]] = defaultdict(list)
        self._chunks: dict[int, int] = {}
        self._restored: dict[tuple[int, int], bytes] = {}
        self._forgotten: list[bytes] = []

    @property
    def watermark(self) -> float:
        """No event older than this counts any more, seconds since the epoch."""
        return self.high - self._lateness

    def chunks(self, records: Iterable[Record]) -> Iterator[Chunk]:
        """The events that count, in order. Raises TooManyDeadLetters; what came before it is in the chunks before."""
        new = [record for record in records if record.offset >= self.books.next_offset]
        for start in range(0, len(new), _TOGETHER):
            some = new[start : start + _TOGETHER]
            events = self._decode([one.value or b"" for one in some])
            if (chunk := self._together(some, events)) is not None:
                yield chunk
            else:
                yield from self._one_by_one(some, events)
        self._forget()

    def _together(self, records: Sequence[Record], events: list[Any]) -> Chunk | None:
        """All of the records, where nothing is the matter with any of them: the rule, and many times faster."""
        if InvalidRecord in map(type, events):
            return None
        ats = [event.at.timestamp() for event in events]
        low, high = min(ats), max(ats)
        too_early = high > min([record.timestamp for record in records]) / 1000 + self._future
        if too_early or low < max(self.high, high) - self._lateness:
            return None
        hashes = _hashes(events)
        groups = _by_minute(ats, hashes, first=int(low // 60), last=int(high // 60))
        if sum(map(len, groups.values())) < len(hashes) or not self._seen.add_all(groups):
            return None
        for minute, fresh in groups.items():
            self._fresh[minute].extend(fresh)
        self.high = max(self.high, high)
        offsets = [record.offset for record in records]
        self.books.read += len(offsets)
        self.books.applied += len(offsets)
        self.books.next_offset = offsets[-1] + 1
        self._guard.good(len(offsets))
        return Chunk(offsets, ats, events)

    def _one_by_one(self, records: Sequence[Record], events: list[Any]) -> Iterator[Chunk]:
        chunk = Chunk([], [], [])
        try:
            for record, event in zip(records, events, strict=True):
                at = inf if isinstance(event, InvalidRecord) else event.at.timestamp()
                if at > record.timestamp / 1000 + self._future:
                    self._set_aside(record, event)
                else:
                    self._guard.good()
                    if self._counts(at, event):
                        chunk.offsets.append(record.offset)
                        chunk.ats.append(at)
                        chunk.events.append(event)
                self.books.next_offset = record.offset + 1
        except TooManyDeadLetters:
            yield chunk
            raise
        yield chunk

    def _set_aside(self, record: Record, event: Any) -> None:
        if isinstance(event, InvalidRecord):
            letter = self._guard.letter(record, kind="invalid", reason=str(event))
        else:
            letter = self._guard.letter(record, kind="future", reason="at: too far ahead of the broker's clock")
        self.letters.append(letter)
        self.books.enter("dead")

    def _counts(self, at: float, event: Any) -> bool:
        books = self.books
        if at < self.high - self._lateness:
            books.enter("late")
            return False
        minute, digest = int(at // 60), event_hash(event.tenant, event.event_id)
        if not self._seen.add(minute, digest):
            books.enter("duplicate")
            return False
        self._fresh[minute].append(digest)
        if at > self.high:
            self.high = at
        books.read += 1  # `enter` spelt out: it is called for nearly every record
        books.applied += 1
        return True

    def _forget(self) -> None:
        oldest = int(self.watermark // 60)
        self._seen.forget_before(oldest)
        for minute in [minute for minute in self._chunks if minute < oldest]:
            count = self._chunks.pop(minute)
            self._forgotten.extend(self._chunk_key(minute, number) for number in range(count))
        for minute in [minute for minute in self._fresh if minute < oldest]:
            del self._fresh[minute]

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records: ids of new events, the position that they belong to, then what that position forgets."""
        records: list[tuple[bytes, bytes | None]] = []
        for minute, digests in self._fresh.items():
            number = self._chunks.get(minute, 0)
            self._chunks[minute] = number + 1
            chunk = msgspec.msgpack.encode((self.books.next_offset, struct.pack(f"<{len(digests)}Q", *digests)))
            records.append((self._chunk_key(minute, number), chunk))
        position = Position(self.books.next_offset, self.high, self.books, self._guard.run)
        records.append((f"p|{self.topic}".encode(), msgspec.msgpack.encode(position)))
        records.extend((key, None) for key in self._forgotten)
        self._fresh.clear()
        self._forgotten.clear()
        return records

    def restore_position(self, value: bytes) -> None:
        """Take the position back."""
        position = msgspec.msgpack.decode(value, type=Position)
        self.books, self.high = position.books, position.watermark
        self._guard.run = position.bad_run

    def restore_chunk(self, minute: int, number: int, value: bytes | None) -> None:
        """Take a chunk of ids back; it counts only if the position reached it."""
        if value is None:
            self._restored.pop((minute, number), None)
        else:
            self._restored[minute, number] = value

    def restored(self) -> None:
        """All state records are read: ids beyond the position belong to events that will be read again."""
        for (minute, number), value in self._restored.items():
            upto, packed = msgspec.msgpack.decode(value, type=tuple[int, bytes])
            self._chunks[minute] = max(self._chunks.get(minute, 0), number + 1)
            if upto <= self.books.next_offset:
                self._seen.load(minute, packed)
        self._restored.clear()

    def _chunk_key(self, minute: int, number: int) -> bytes:
        return f"i|{self.topic}|{minute}|{number}".encode()


def _hashes(events: list[Any]) -> tuple[int, ...]:
    names = [f"{event.tenant}|{event.event_id}".encode() for event in events]
    return struct.unpack(f"<{len(names)}Q", event_hashes(names))


def _by_minute(ats: list[float], hashes: Sequence[int], *, first: int, last: int) -> dict[int, set[int]]:
    if first == last:
        return {first: set(hashes)}
    groups: dict[int, set[int]] = {}
    for at, hashed in zip(ats, hashes, strict=True):
        groups.setdefault(int(at // 60), set()).add(hashed)
    return groups
