"""Counts of series put into steps: open ones judged provisionally, closed ones for good, in order and with zeros."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from alerts.signal import Signal
from streams.detectors.category_spike import CategorySpike, SpikeState, StepCount
from streams.metrics import LATE_COUNTS
from streams.series import SeriesCount

_REMEMBERED = 16
_LONGEST_GAP = 4096


class SeriesBook(msgspec.Struct, array_like=True, gc=False):
    """One series: the detector's state at the last closed step, and the totals of the minutes still open."""

    spike: SpikeState
    next_step: int
    open: dict[int, dict[int, int]]
    """minute → source partition → flagged so far."""
    judged: bool = False
    """A step was closed: earlier ones no longer count."""
    emitted: tuple[str, ...] = ()


class Spikes:
    """All series of one partition."""

    def __init__(self, detector: CategorySpike, *, step_minutes: int, partitions: int) -> None:
        self._detector = detector
        self._step = step_minutes
        self._partitions = partitions
        self._books: dict[str, SeriesBook] = {}
        self._touched: set[str] = set()
        self._dirty: set[str] = set()

    def __len__(self) -> int:
        return len(self._books)

    def count(self, count: SeriesCount) -> None:
        """Take a running total in; totals only grow, so a repetition or an older one changes nothing."""
        book = self._books.get(count.series)
        step = count.minute // self._step
        if book is None:
            book = self._books[count.series] = SeriesBook(self._detector.initial(count.series), step, {})
        if step < book.next_step and book.judged:
            LATE_COUNTS.inc()
            return
        book.next_step = min(step, book.next_step)
        sources = book.open.setdefault(count.minute, {})
        if count.flagged > sources.get(count.source, -1):
            sources[count.source] = count.flagged
            self._touched.add(count.series)
            self._dirty.add(count.series)

    def judge(self, watermark: float) -> list[Signal]:
        """Close the steps that the watermark has passed and look at the open ones of every series that changed."""
        signals: list[Signal] = []
        closed_to = int(watermark // 60) // self._step
        for series in self._touched:
            signals.extend(self._judge(series, self._books[series], closed_to))
        self._touched.clear()
        return signals

    def _judge(self, series: str, book: SeriesBook, closed_to: int) -> list[Signal]:
        found: list[Signal] = []
        steps: dict[int, int] = {}
        for minute, sources in book.open.items():
            steps[minute // self._step] = steps.get(minute // self._step, 0) + sum(sources.values())
        state = book.spike
        for step, count in _filled(steps, book.next_step):
            state, signals = self._step_at(series, state, step, count)
            found.extend(signals)
            if step < closed_to:
                book.spike, book.next_step, book.judged = state, step + 1, True
        book.open = {minute: sources for minute, sources in book.open.items() if minute // self._step >= book.next_step}
        new = [signal for signal in found if signal.id not in book.emitted]
        book.emitted = (*book.emitted, *(signal.id for signal in new))[-_REMEMBERED:]
        return new

    def _step_at(self, series: str, state: SpikeState, step: int, count: int) -> tuple[SpikeState, tuple[Signal, ...]]:
        start = datetime.fromtimestamp(step * self._step * 60, UTC)
        live = len(self._books) * self._partitions
        return self._detector.step(state, StepCount(series, start, count, live))

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records of the changed series; clears the marks."""
        records = [(b"n|" + series.encode(), msgspec.msgpack.encode(self._books[series])) for series in self._dirty]
        self._dirty.clear()
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one state record back; what was open is judged again with the next count."""
        if value is None:
            self._books.pop(key.decode(), None)
        else:
            self._books[key.decode()] = msgspec.msgpack.decode(value, type=SeriesBook)


def _filled(steps: dict[int, int], start: int) -> Iterator[tuple[int, int]]:
    """Every step from `start` to the last one counted, with its count; a gap beyond the longest is passed over."""
    for step in sorted(steps):
        if step - start <= _LONGEST_GAP:
            yield from ((quiet, 0) for quiet in range(start, step))
        yield step, steps[step]
        start = step + 1
