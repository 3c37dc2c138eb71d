"""Scores of series, put into event-time order across source partitions before the drift detector sees them."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from alerts.signal import Signal
from streams.detectors.groundedness_drift import DriftState, GroundednessDrift, Score
from streams.series import SeriesScore

_MOST_PENDING = 4_000
"""Keeps a series' state, one record, below Kafka's limit of 1 MiB; beyond it the oldest scores are judged early."""


class ScoreBook(msgspec.Struct, array_like=True, gc=False):
    """One series: the detector's state, the scores that wait for the watermark, and how far each source was read."""

    drift: DriftState
    pending: list[tuple[float, str, float]] = []
    """(event time, event id, value); the order in which they will be judged."""
    applied: dict[int, int] = {}
    """source partition → highest offset taken in."""


class Drifts:
    """All score series of one partition. The same scores give the same order, whatever the arrival."""

    def __init__(self, detector: GroundednessDrift) -> None:
        self._detector = detector
        self._books: dict[str, ScoreBook] = {}
        self._waiting: set[str] = set()
        self._dirty: set[str] = set()

    def __len__(self) -> int:
        return len(self._books)

    def score(self, score: SeriesScore) -> None:
        """Take one score in; an offset that its source has passed is a repetition."""
        book = self._books.get(score.series)
        if book is None:
            book = self._books[score.series] = ScoreBook(self._detector.initial(score.series), [], {})
        if score.offset <= book.applied.get(score.source, -1):
            return
        book.applied[score.source] = score.offset
        book.pending.append((score.at, score.event_id, score.value))
        self._waiting.add(score.series)
        self._dirty.add(score.series)

    def judge(self, watermark: float) -> list[Signal]:
        """Judge, in order of event time, every score that the watermark has passed."""
        signals: list[Signal] = []
        for series in list(self._waiting):
            signals.extend(self._judge(series, self._books[series], watermark))
        return signals

    def _judge(self, series: str, book: ScoreBook, watermark: float) -> list[Signal]:
        book.pending.sort()
        excess = len(book.pending) - _MOST_PENDING
        ready = [one for place, one in enumerate(book.pending) if one[0] < watermark or place < excess]
        if not ready:
            return []
        found: list[Signal] = []
        for at, event_id, value in ready:
            score = Score(series, event_id, datetime.fromtimestamp(at, UTC), value)
            book.drift, signals = self._detector.step(book.drift, score)
            found.extend(signals)
        book.pending = book.pending[len(ready) :]
        self._dirty.add(series)
        if not book.pending:
            self._waiting.discard(series)
        return found

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records of the changed series; clears the marks."""
        records = [(b"d|" + series.encode(), msgspec.msgpack.encode(self._books[series])) for series in self._dirty]
        self._dirty.clear()
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one state record back."""
        series = key.decode()
        if value is None:
            self._books.pop(series, None)
            return
        self._books[series] = book = msgspec.msgpack.decode(value, type=ScoreBook)
        if book.pending:
            self._waiting.add(series)
