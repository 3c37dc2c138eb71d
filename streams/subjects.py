"""The state of every subject of one partition, with the offset it stands at; the detector is given, not known."""

from collections.abc import Iterable

import msgspec

from alerts.signal import Signal
from streams.detectors.offender_state import OffenderState
from streams.detectors.repeat_offender import RepeatOffender
from streams.detectors.verdict import Verdict


class Subject(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One subject: what the detector knows, up to and including offset `applied` of the verdicts."""

    applied: int
    offender: OffenderState


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(Subject).decode


class Subjects:
    """All subjects of a partition, by `tenant|subject`."""

    def __init__(self, detector: RepeatOffender) -> None:
        self._detector = detector
        self._subjects: dict[str, Subject] = {}
        self._dirty: set[str] = set()

    def __len__(self) -> int:
        return len(self._subjects)

    def apply(self, key: str, offset: int, verdict: Verdict) -> tuple[Signal, ...]:
        """Step the subject's detector once per offset; a repetition gives nothing."""
        subject = self._subjects.get(key)
        if subject is None:
            subject = Subject(-1, self._detector.initial(key))
        if offset <= subject.applied:
            return ()
        state, signals = self._detector.step(subject.offender, verdict)
        self._subjects[key] = Subject(offset, state)
        self._dirty.add(key)
        return signals

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records of the changed subjects; clears the marks."""
        subjects = self._subjects
        records = [(b"s|" + key.encode(), _ENCODE(subjects[key])) for key in self._dirty]
        self._dirty.clear()
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one state record back."""
        if value is None:
            self._subjects.pop(key.decode(), None)
        else:
            self._subjects[key.decode()] = _DECODE(value)
