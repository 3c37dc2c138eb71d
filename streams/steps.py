"""Totals of keys put into closed steps of event time, in order and with zeros, each judged once by its detector."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from operator import add
from typing import Any, Generic, NamedTuple, TypeVar, cast

import msgspec

from alerts.signal import Signal
from streams.detectors.detector import Detector
from streams.metrics import LATE_COUNTS
from streams.series import Tally

State = TypeVar("State")
Event = TypeVar("Event")
Counts = tuple[int, ...]

_LONGEST_GAP = 4096


class StepBook(msgspec.Struct, Generic[State], array_like=True, gc=False):
    """One key: the detector's state at the last closed step, and the totals of the minutes still open."""

    state: State
    next_step: int
    open: dict[int, dict[str, dict[int, Counts]]] = {}
    """minute → part → source partition → totals so far."""
    judged: bool = False
    """A step was closed: earlier ones no longer count."""
    last: int = 0
    """The last step in which anything was counted."""


class Closed(msgspec.Struct, frozen=True, gc=False):
    """One closed step of one key, for the function that makes a detector's event of it."""

    key: str
    part: str
    """What the counts are of, within the key; empty where keys have no parts, and in a step without counts."""
    start: datetime
    counts: Counts
    live: int
    """Keys that are being watched, over all partitions."""


class Shape(NamedTuple):
    """How the steps of one kind of key are cut and kept."""

    width: int
    """Numbers per count."""
    minutes: int
    """Length of a step."""
    partitions: int
    """Lanes that share the keys."""
    prefix: bytes
    """Of the state records."""
    forget_after: int
    """Empty steps after which a key is forgotten."""


class Steps(Generic[State, Event]):
    """All keys of one kind in one partition."""

    def __init__(
        self,
        detector: Detector[State, Event],
        make: Callable[[Closed], Event],
        *,
        state: type[State],
        shape: Shape,
    ) -> None:
        self.detector, self._make = detector, make
        self._shape, self._minutes = shape, shape.minutes
        self.prefix = shape.prefix
        self._zero: Counts = (0,) * shape.width
        self._decode = msgspec.msgpack.Decoder(cast(Any, StepBook)[state]).decode
        self._books: dict[str, StepBook[State]] = {}
        self._dirty: set[str] = set()
        self._closed_to = 0

    def __len__(self) -> int:
        return len(self._books)

    def tally(self, tally: Tally, *, part: str = "") -> None:
        """Take a running total in; totals only grow, so a repetition or an older one changes nothing.

        The key of a tally with a part ends with `|part`.
        """
        step = tally.minute // self._minutes
        key = tally.key.removesuffix(f"|{part}") if part else tally.key
        book = self._books.get(key)
        if book is None:
            book = self._books[key] = StepBook(self.detector.initial(key), step, {})
        if step < book.next_step and book.judged:
            LATE_COUNTS.inc()
            return
        book.next_step = min(step, book.next_step)
        sources = book.open.setdefault(tally.minute, {}).setdefault(part, {})
        known = sources.get(tally.source)
        sources[tally.source] = tally.counts if known is None else tuple(map(max, known, tally.counts))
        self._dirty.add(key)

    def judge(self, until: float) -> list[Signal]:
        """Close every step that ended by `until`, seconds since the epoch."""
        closed_to = int(until // 60) // self._minutes
        if closed_to <= self._closed_to:
            return []
        self._closed_to = closed_to
        found: list[Signal] = []
        for key in list(self._books):
            found.extend(self._judge(key, self._books[key], closed_to))
        return found

    def _judge(self, key: str, book: StepBook[State], closed_to: int) -> list[Signal]:
        found: list[Signal] = []
        for step, part, counts in self._due(book, closed_to):
            start = datetime.fromtimestamp(step * self._minutes * 60, UTC)
            event = self._make(Closed(key, part, start, counts, len(self._books) * self._shape.partitions))
            book.state, signals = self.detector.step(book.state, event)
            book.next_step, book.judged = step + 1, True
            book.last = step if any(counts) else book.last
            self._dirty.add(key)
            found.extend(signals)
        if book.judged and book.next_step - book.last - 1 > self._shape.forget_after:
            del self._books[key]
        return found

    def _due(self, book: StepBook[State], closed_to: int) -> Iterator[tuple[int, str, Counts]]:
        """Every step up to the last closed one with its counts by part; of a long gap only the end."""
        totals: dict[int, dict[str, Counts]] = {}
        for minute in [minute for minute in book.open if minute // self._minutes < closed_to]:
            parts = totals.setdefault(minute // self._minutes, {})
            for part, sources in book.open.pop(minute).items():
                for counts in sources.values():
                    parts[part] = tuple(map(add, parts.get(part, self._zero), counts))
        start = book.next_step
        for step in (*sorted(totals), closed_to):
            yield from ((quiet, "", self._zero) for quiet in range(max(start, step - _LONGEST_GAP), step))
            yield from ((step, part, counts) for part, counts in sorted(totals.get(step, {}).items()))
            start = step + 1

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records of the changed keys, without a value for those forgotten; clears the marks."""
        encode = msgspec.msgpack.encode
        records = [
            (self.prefix + key.encode(), encode(self._books[key]) if key in self._books else None)
            for key in sorted(self._dirty)
        ]
        self._dirty.clear()
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one state record back."""
        if value is None:
            self._books.pop(key.decode(), None)
        else:
            self._books[key.decode()] = self._decode(value)
