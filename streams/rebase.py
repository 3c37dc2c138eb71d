"""Carries worker state over to a new log, whose offsets start at zero: what was learned stays, positions do not."""

import msgspec

from alerts.quota import Spending
from events.topics import DECIDE_STATE, DETECT_STATE, NOTIFY_STATE, OBSERVE_STATE
from streams.books import Books
from streams.drifts import ScoreBook
from streams.intake import Position
from streams.series import Watermarks

_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.decode


def rebase(topic: str, key: bytes, value: bytes) -> bytes | None:
    """The state record as the new log needs it, or None where nothing of it holds any more.

    Raises msgspec.DecodeError, or pydantic's ValidationError, for a record of another version.
    """
    kind = key[:2]
    if topic == OBSERVE_STATE.name:
        return _observed(kind, key, value)
    if topic == DETECT_STATE.name:
        return _detected(kind, value)
    if topic == DECIDE_STATE.name and kind == b"q|":
        return Spending.model_validate_json(value).rebased().model_dump_json().encode()
    if topic in (DECIDE_STATE.name, NOTIFY_STATE.name):
        return None if kind == b"p|" else value
    return value


_FIRST = frozenset({b"s|", b"e|", b"b|", b"a|", b"k|", b"r|", b"l|", b"o|"})
"""Kinds of records that begin with the offset they stand at."""
_LAST = frozenset({b"t|", b"y|"})
"""Kinds of records that end with it."""


def _unapplied(value: bytes, place: int) -> bytes:
    """The record as one that no offset of the new log has reached."""
    fields = _decode(value, type=list[msgspec.Raw])
    fields[place] = msgspec.Raw(_encode(-1))
    return _encode(fields)


def _observed(kind: bytes, key: bytes, value: bytes) -> bytes | None:
    if kind in _FIRST:
        return _unapplied(value, 0)
    if kind in _LAST:
        return _unapplied(value, -1)
    if kind == b"c|":
        return _unapplied(value, 3)
    if kind == b"w|":
        return value
    if kind == b"i|":
        _, packed = _decode(value, type=tuple[int, bytes])
        return _encode((0, packed))
    topic = key[2:].decode()
    position = _decode(value, type=Position)
    return _encode(Position(0, position.watermark, Books(topic, position.books.partition), 0))


def _detected(kind: bytes, value: bytes) -> bytes | None:
    if kind in _FIRST:
        return _unapplied(value, 0)
    if kind == b"d|":
        book = _decode(value, type=ScoreBook)
        return _encode(ScoreBook(book.drift, book.pending, {}))
    if kind == b"p|":
        _, marks = _decode(value, type=tuple[int, Watermarks])
        return _encode((0, marks))
    return value
