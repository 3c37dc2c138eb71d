"""Weeks of hourly counts in one byte each; it learns nothing from them.

Counts below 32 are exact, larger ones are kept within 3 %: four binary digits after the leading one. That is small
against the noise of any count, and 56 days fit into 1344 bytes. Source: a floating-point format, as in IEEE 754.
"""

from functools import cache

import msgspec
import numpy as np
from numpy.typing import NDArray

_UNKNOWN = 255
_EXACT = 32
_FRACTION = 16
_LARGEST = 254


class History(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Consecutive hours up to `end`; hours that were not learnt are unknown."""

    end: int = 0
    """The hour after the last, hours since the epoch."""
    hours: bytes = b""
    """One code per hour."""

    @property
    def first(self) -> int:
        """The first hour, hours since the epoch."""
        return self.end - len(self.hours)


def remembered(history: History, hour: int, count: float | None, *, keep: int) -> History:
    """The history with one more hour, None for an unknown one; hours passed over are unknown, the oldest are dropped.

    An hour before the end is known already, and changes nothing.
    """
    if history.hours and hour < history.end:
        return history
    gap = min(hour - history.end, keep) if history.hours else 0
    code = _UNKNOWN if count is None else _code(count)
    return History(hour + 1, (history.hours + bytes([_UNKNOWN]) * gap + bytes([code]))[-keep:])


def since(history: History, hour: int) -> History:
    """The history without the hours before `hour`."""
    return History(history.end, history.hours[max(0, hour - history.first) :])


def counts(history: History) -> NDArray[np.int64]:
    """The counts from `history.first` on; -1 for unknown hours."""
    return _values()[np.frombuffer(history.hours, dtype=np.uint8)]


def known(history: History) -> int:
    """How many hours are known."""
    return len(history.hours) - history.hours.count(_UNKNOWN)


def _code(count: float) -> int:
    whole = round(count)
    if whole < _EXACT:
        return max(0, whole)
    shift = whole.bit_length() - 5
    rounded = (whole + (1 << shift - 1)) >> shift
    return min(_LARGEST, _FRACTION * shift + rounded)


@cache
def _values() -> NDArray[np.int64]:
    values = [code if code < _EXACT else (_FRACTION + code % 16) << (code // 16 - 1) for code in range(_UNKNOWN)]
    return np.array([*values, -1], dtype=np.int64)
