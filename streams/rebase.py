"""Carries worker state over to a new log, whose offsets start at zero: what was learned stays, positions do not."""

import msgspec

from events.topics import DECIDE_STATE, DETECT_STATE, NOTIFY_STATE, OBSERVE_STATE
from streams.books import Books
from streams.counts import Total
from streams.drifts import ScoreBook
from streams.intake import Position
from streams.series import Watermarks
from streams.subjects import Subject

_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.decode


def rebase(topic: str, key: bytes, value: bytes) -> bytes | None:
    """The state record as the new log needs it, or None where nothing of it holds any more.

    Raises msgspec.DecodeError for a record of another version.
    """
    kind = key[:2]
    if topic == OBSERVE_STATE.name:
        return _observed(kind, key, value)
    if topic == DETECT_STATE.name:
        return _detected(kind, value)
    if topic in (DECIDE_STATE.name, NOTIFY_STATE.name):
        return None if kind == b"p|" else value
    return value


def _observed(kind: bytes, key: bytes, value: bytes) -> bytes | None:
    if kind == b"s|":
        subject = _decode(value, type=Subject)
        return _encode(Subject(-1, subject.offender))
    if kind == b"c|":
        total = _decode(value, type=Total)
        return _encode(Total(total.evaluated, total.flagged, total.blocked))
    if kind == b"i|":
        _, packed = _decode(value, type=tuple[int, bytes])
        return _encode((0, packed))
    topic = key[2:].decode()
    position = _decode(value, type=Position)
    return _encode(Position(0, position.watermark, Books(topic, position.books.partition), 0))


def _detected(kind: bytes, value: bytes) -> bytes | None:
    if kind == b"d|":
        book = _decode(value, type=ScoreBook)
        return _encode(ScoreBook(book.drift, book.pending, {}))
    if kind == b"p|":
        _, marks = _decode(value, type=tuple[int, Watermarks])
        return _encode((0, marks))
    return value
