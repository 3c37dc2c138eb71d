"""Counts of series put into steps of every length: open ones judged provisionally, closed ones for good."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from alerts.signal import Signal
from events.keys import SeriesKey
from streams.detectors.category_spike import CategorySpike, SpikeState, StepCount
from streams.detectors.learnt_baseline import Past
from streams.metrics import LATE_COUNTS
from streams.series import SeriesCount
from streams.series_book import Seen, SeriesBook, Track, summed

_REMEMBERED = 16
_LONGEST_GAP = 4096
_SWEEP_EVERY = 24 * 60
_encode = msgspec.msgpack.encode


Steps = list[tuple[int, list[Seen]]]
"""Consecutive steps with what is known of each."""


class Spikes:
    """All series of one partition. The detector's policy says which step lengths there are."""

    def __init__(self, detector: CategorySpike, *, partitions: int) -> None:
        lengths = detector.policy.steps
        self._detectors = {length // timedelta(minutes=1): replace(detector, length=length) for length in lengths}
        self._remembered = max(detector.policy.half_life, detector.policy.history) // timedelta(minutes=1)
        self._partitions = partitions
        self._books: dict[str, SeriesBook] = {}
        self._open: dict[str, dict[int, dict[int, Seen]]] = {}
        self._pasts: dict[tuple[str, int], Past] = {}
        self._touched: set[str] = set()
        self._dirty: set[str] = set()
        self._dirty_minutes: set[tuple[str, int]] = set()
        self._waiting: set[str] = set()
        self._closed_to = 0
        self._swept = 0

    def __len__(self) -> int:
        return len(self._books)

    def count(self, count: SeriesCount) -> None:
        """Take a running total in; totals only grow, so a repetition or an older one changes nothing."""
        series, minute = count.series, count.minute
        book = self._books.get(series)
        if book is None:
            book = self._books[series] = SeriesBook()
            self._dirty.add(series)
        if book.closed is not None and minute < book.closed:
            LATE_COUNTS.inc()
            return
        sources = self._open.setdefault(series, {}).setdefault(minute, {})
        before = sources.get(count.source)
        if before is None or count.flagged > before.flagged:
            sources[count.source] = Seen(count.flagged, count.parts)
            self._touched.add(series)
            self._dirty_minutes.add((series, minute))

    def judge(self, watermark: float, *, early: Literal["look", "wait"] = "look") -> list[Signal]:
        """Close the steps that the watermark has passed, and look at the open ones of every series that changed.

        Looking early costs more than closing; who is told of changes many times a second may wait now and then.
        """
        signals: list[Signal] = []
        closed_to = int(watermark // 60)
        if early == "wait" and closed_to <= self._closed_to:
            return signals
        waiting = self._waiting if closed_to > self._closed_to else set()
        for series in self._touched | waiting:
            signals.extend(self._judge(series, closed_to))
        self._touched.clear()
        self._closed_to = closed_to
        if closed_to - self._swept >= _SWEEP_EVERY:
            self._sweep(closed_to)
        return signals

    def _judge(self, series: str, closed_to: int) -> list[Signal]:
        book, minutes = self._books[series], self._open.setdefault(series, {})
        for stale in [one for one in minutes if book.closed is not None and one < book.closed]:
            del minutes[stale]
            self._dirty_minutes.add((series, stale))
        found: list[Signal] = []
        for length in self._detectors:
            if minutes and (book.closed is None or length not in book.tracks):
                book.tracks[length] = Track(self._detectors[length].initial(series), min(minutes) // length)
            if length not in book.tracks:
                continue
            found.extend(self._judge_track(series, book, length, closed_to=closed_to))
        self._close(series, book, closed_to)
        new = [signal for signal in found if signal.id not in book.emitted]
        if new:
            book.emitted = (*book.emitted, *(signal.id for signal in new))[-_REMEMBERED:]
            self._dirty.add(series)
        return new

    def _judge_track(self, series: str, book: SeriesBook, length: int, *, closed_to: int) -> list[Signal]:
        track, steps = book.tracks[length], self._steps(series, book.tracks[length], length)
        found: list[Signal] = []
        closing = [one for one in steps if (one[0] + 1) * length <= closed_to]
        for step, seen in closing:
            track.spike, signals = self._step_at(series, track.spike, step * length, length=length, seen=seen)
            track.next_step = step + 1
            found.extend(signals)
            self._dirty.add(series)
        if series not in self._touched or SeriesKey.parse(series).is_aggregate:
            return found
        return found + self._provisional(series, book, length, steps=steps[len(closing) :])

    def _provisional(self, series: str, book: SeriesBook, length: int, *, steps: Steps) -> list[Signal]:
        """What the open steps would raise; what they consist of is added up only where they raise something new."""
        bare = [(step, [Seen(one.flagged) for one in seen]) for step, seen in steps]
        for attempt in (bare, steps):
            state, found = book.tracks[length].spike, list[Signal]()
            for step, seen in attempt:
                state, signals = self._step_at(series, state, step * length, length=length, seen=seen)
                found.extend(signals)
            if all(signal.id in book.emitted for signal in found):
                return []
        return found

    def _steps(self, series: str, track: Track, length: int) -> Steps:
        """Every step from the track's next one to the last one counted."""
        counted: dict[int, list[Seen]] = {}
        if track.partial_step >= track.next_step:
            counted[track.partial_step] = [track.partial]
        for minute, sources in self._open[series].items():
            counted.setdefault(minute // length, []).extend(sources.values())
        return list(_filled(counted, track.next_step))

    def _step_at(
        self, series: str, state: SpikeState, minute: int, *, length: int, seen: list[Seen]
    ) -> tuple[SpikeState, tuple[Signal, ...]]:
        live = len(self._books) * self._partitions * len(self._detectors)
        start = datetime.fromtimestamp(minute * 60, UTC)
        whole = summed(seen)
        return self._detectors[length].step(state, StepCount(series, start, whole.flagged, live, whole.parts))

    def _close(self, series: str, book: SeriesBook, closed_to: int) -> None:
        """Fold the closed minutes into the steps that are still open; they no longer count after that."""
        minutes = self._open[series]
        closed = [minute for minute in minutes if minute < closed_to]
        for length, track in book.tracks.items():
            step = closed_to // length
            if track.partial_step < track.next_step:
                track.partial_step, track.partial = 0, Seen()
            seen = [one for minute in closed if minute // length == step for one in minutes[minute].values()]
            if seen:
                before = [track.partial] if track.partial_step == step else []
                track.partial_step, track.partial = step, summed(before + seen)
        if closed or book.closed is not None:
            steps = [track.next_step * length for length, track in book.tracks.items()]
            book.closed = max([book.closed or 0, *steps, *(minute + 1 for minute in closed)])
        if closed:
            self._dirty.add(series)
        for minute in closed:
            del minutes[minute]
            self._dirty_minutes.add((series, minute))
        waits = bool(minutes) or any(track.partial_step for track in book.tracks.values())
        (self._waiting.add if waits else self._waiting.discard)(series)

    def _sweep(self, closed_to: int) -> None:
        """Forget series that would start anew anyway."""
        self._swept = closed_to
        for series, book in list(self._books.items()):
            if book.closed is not None and not self._open.get(series) and book.closed + self._remembered < closed_to:
                self._forget(series)
                self._dirty.add(series)

    def _forget(self, series: str) -> None:
        self._books.pop(series, None)
        self._open.pop(series, None)
        self._waiting.discard(series)

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records of the changed series, then those of their open minutes; clears the marks.

        A cut-off flush leaves at worst minutes that are closed already, which are passed over.
        """
        records = [record for series in self._dirty for record in self._book_records(series)]
        for series, minute in self._dirty_minutes:
            sources = self._open.get(series, {}).get(minute)
            records.append((_key(f"@m{minute}|{series}"), None if sources is None else _encode(sources)))
        self._dirty.clear()
        self._dirty_minutes.clear()
        return records

    def _book_records(self, series: str) -> Iterator[tuple[bytes, bytes | None]]:
        book = self._books.get(series)
        for length in self._detectors:
            track = book.tracks.get(length) if book is not None else None
            past = None if track is None else track.spike.baseline.past
            if past is not None and past is not self._pasts.get((series, length)):
                self._pasts[series, length] = past
                yield _key(f"@h{length}|{series}"), _encode(past)
            elif past is None and self._pasts.pop((series, length), None) is not None:
                yield _key(f"@h{length}|{series}"), None
        if book is None:
            yield _key(series), None
            return
        tracks = {length: _with_past(track, Past()) for length, track in book.tracks.items()}
        yield _key(series), _encode(SeriesBook(tracks, book.closed, book.emitted))

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one state record back; what was open is judged again with the next count.

        A record of an earlier version is passed over: the series starts anew.
        """
        text = key.decode()
        if not text.startswith("@"):
            self._restore_book(text, value)
            return
        place, series = text[2:].split("|", 1)
        number = int(place)
        if text[1] == "m":
            self._restore_minute(series, number, value)
        elif value is None:
            self._pasts.pop((series, number), None)
        else:
            past = self._pasts[series, number] = msgspec.msgpack.decode(value, type=Past)
            tracks = self._books[series].tracks if series in self._books else {}
            if number in tracks:
                tracks[number] = _with_past(tracks[number], past)

    def _restore_book(self, series: str, value: bytes | None) -> None:
        if value is None:
            self._forget(series)
            return
        try:
            book = msgspec.msgpack.decode(value, type=SeriesBook)
        except msgspec.ValidationError:
            return
        book.tracks = {
            length: _with_past(track, self._pasts.get((series, length), Past()))
            for length, track in book.tracks.items()
            if length in self._detectors
        }
        self._books[series] = book
        self._waiting.add(series)

    def _restore_minute(self, series: str, minute: int, value: bytes | None) -> None:
        minutes = self._open.setdefault(series, {})
        if value is None:
            minutes.pop(minute, None)
        else:
            minutes[minute] = msgspec.msgpack.decode(value, type=dict[int, Seen])


def _filled(counted: dict[int, list[Seen]], start: int) -> Iterator[tuple[int, list[Seen]]]:
    """Every step from `start` to the last one counted; a gap beyond the longest is passed over."""
    for step in sorted(counted):
        if step - start <= _LONGEST_GAP:
            yield from ((quiet, []) for quiet in range(start, step))
        yield step, counted[step]
        start = step + 1


def _with_past(track: Track, past: Past) -> Track:
    baseline = msgspec.structs.replace(track.spike.baseline, past=past)
    return Track(
        msgspec.structs.replace(track.spike, baseline=baseline), track.next_step, track.partial_step, track.partial
    )


def _key(text: str) -> bytes:
    return b"n|" + text.encode()
