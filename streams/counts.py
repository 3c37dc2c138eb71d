"""Running totals per series and minute of one source partition: grow-only counters with the offset they stand at."""

from collections.abc import Iterable, Iterator

import msgspec

from streams.series import SeriesCount


class Total(msgspec.Struct, array_like=True, gc=False):
    """Counts of one series in one minute, up to and including offset `applied`."""

    evaluated: int = 0
    flagged: int = 0
    blocked: int = 0
    applied: int = -1


class Counts:
    """Totals of the minutes that may still change; older ones are forgotten."""

    def __init__(self) -> None:
        self._totals: dict[tuple[int, str], Total] = {}
        self._dirty: set[tuple[int, str]] = set()
        self._forgotten: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._totals)

    def add(self, series: str, minute: int, *, offset: int, flagged: bool, blocked: bool) -> None:
        """Count one evaluated verdict, once: an offset at or below the total's is a repetition."""
        key = (minute, series)
        total = self._totals.get(key)
        if total is None:
            total = self._totals[key] = Total()
        if offset <= total.applied:
            return
        total.evaluated += 1
        if flagged:
            total.flagged += 1
        if blocked:
            total.blocked += 1
        total.applied = offset
        self._dirty.add(key)

    def forget_before(self, minute: int) -> None:
        """Drop minutes that no event can change any more."""
        old = [key for key in self._totals if key[0] < minute]
        for key in old:
            del self._totals[key]
            self._dirty.discard(key)
        self._forgotten.extend(old)

    def published(self, source: int) -> Iterator[SeriesCount]:
        """The totals that changed since the last flush, oldest first: a reader never sees a step before its past."""
        for minute, series in sorted(self._dirty):
            total = self._totals[minute, series]
            yield SeriesCount(series, minute, source, total.evaluated, total.flagged, total.blocked)

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records of the changed and the forgotten totals; clears the marks."""
        encode = msgspec.msgpack.encode
        records: list[tuple[bytes, bytes | None]] = [
            (_state_key(key), encode(self._totals[key])) for key in sorted(self._dirty)
        ]
        records.extend((_state_key(key), None) for key in self._forgotten)
        self._dirty.clear()
        self._forgotten.clear()
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one state record back."""
        minute, series = key.decode().split("|", 1)
        slot = (int(minute), series)
        if value is None:
            self._totals.pop(slot, None)
        else:
            self._totals[slot] = msgspec.msgpack.decode(value, type=Total)


def _state_key(key: tuple[int, str]) -> bytes:
    return f"c|{key[0]}|{key[1]}".encode()
