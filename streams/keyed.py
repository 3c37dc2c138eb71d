"""The states of one detector's keys in one partition, each with the offset it stands at; the detector is given."""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar, cast

import msgspec

from alerts.signal import Signal
from streams.detectors.detector import Detector

State = TypeVar("State")
Event = TypeVar("Event")


class Kept(msgspec.Struct, Generic[State], frozen=True, array_like=True, gc=False):
    """One key: what the detector knows, up to and including offset `applied` of its topic."""

    applied: int
    state: State


class Keyed(Generic[State, Event]):
    """All keys of one detector. `prefix` begins their state records."""

    def __init__(self, detector: Detector[State, Event], *, state: type[State], prefix: bytes) -> None:
        self.detector = detector
        self.prefix = prefix
        self._decode = msgspec.msgpack.Decoder(cast(Any, Kept)[state]).decode
        self._kept: dict[str, Kept[State]] = {}
        self._dirty: set[str] = set()

    def __len__(self) -> int:
        return len(self._kept)

    def state(self, key: str) -> State:
        """What the detector knows of a key; its initial state where that is nothing."""
        kept = self._kept.get(key)
        return self.detector.initial(key) if kept is None else kept.state

    def apply(self, key: str, offset: int, event: Event) -> tuple[Signal, ...]:
        """Step the key's detector once per offset; a repetition gives nothing."""
        kept = self._kept.get(key)
        if kept is None:
            before = self.detector.initial(key)
        elif offset <= kept.applied:
            return ()
        else:
            before = kept.state
        state, signals = self.detector.step(before, event)
        self._kept[key] = Kept(offset, state)
        self._dirty.add(key)
        return signals

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records of the changed keys; clears the marks."""
        kept, prefix = self._kept, self.prefix
        records = [(prefix + key.encode(), _ENCODE(kept[key])) for key in self._dirty]
        self._dirty.clear()
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one state record back."""
        if value is None:
            self._kept.pop(key.decode(), None)
        else:
            self._kept[key.decode()] = self._decode(value)


_ENCODE = msgspec.msgpack.Encoder().encode
