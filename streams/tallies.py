"""Running totals per key and minute that are no series, of one source partition; grow-only, with their offset."""

from collections.abc import Iterable, Iterator
from operator import add

import msgspec

from streams.series import Tally


class TallyTotal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One key in one minute, up to and including offset `applied`."""

    counts: tuple[int, ...]
    applied: int


class Tallies:
    """Totals of the minutes that may still change; older ones are forgotten."""

    def __init__(self, prefix: bytes) -> None:
        self._prefix = prefix
        self._totals: dict[tuple[int, str, str], TallyTotal] = {}
        self._dirty: set[tuple[int, str, str]] = set()
        self._forgotten: list[tuple[int, str, str]] = []

    def __len__(self) -> int:
        return len(self._totals)

    def add(self, kind: str, key: str, minute: int, *, offset: int, counts: tuple[int, ...]) -> None:
        """Add to a total, once: an offset at or below the total's is a repetition."""
        slot = (minute, kind, key)
        total = self._totals.get(slot)
        if total is None:
            self._totals[slot] = TallyTotal(counts, offset)
        elif offset > total.applied:
            self._totals[slot] = TallyTotal(tuple(map(add, total.counts, counts)), offset)
        else:
            return
        self._dirty.add(slot)

    def forget_before(self, minute: int) -> None:
        """Drop minutes that no event can change any more."""
        for slot in [slot for slot in self._totals if slot[0] < minute]:
            del self._totals[slot]
            self._dirty.discard(slot)
            self._forgotten.append(slot)

    def published(self, source: int) -> Iterator[Tally]:
        """The totals that changed since the last flush, oldest first."""
        for slot in sorted(self._dirty):
            minute, kind, key = slot
            yield Tally(kind, key, minute, source, self._totals[slot].counts)

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records of the changed and the forgotten totals; clears the marks."""
        encode = msgspec.msgpack.encode
        records: list[tuple[bytes, bytes | None]] = [
            (self._state_key(slot), encode(self._totals[slot])) for slot in sorted(self._dirty)
        ]
        records.extend((self._state_key(slot), None) for slot in self._forgotten)
        self._dirty.clear()
        self._forgotten.clear()
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one state record back."""
        minute, kind, rest = key.decode().split("|", 2)
        slot = (int(minute), kind, rest)
        if value is None:
            self._totals.pop(slot, None)
        else:
            self._totals[slot] = msgspec.msgpack.decode(value, type=TallyTotal)

    def _state_key(self, slot: tuple[int, str, str]) -> bytes:
        minute, kind, key = slot
        return self._prefix + f"{minute}|{kind}|{key}".encode()
