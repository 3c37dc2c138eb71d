"""Dead letters: records set aside with their reason, and the limit at which a worker stops instead."""

import base64
import math
from collections import deque

import msgspec

from policy.policy import DeadLetterLimits
from streams.errors import TooManyDeadLetters
from streams.lane import Record

_WINDOW = 10_000


class DeadLetter(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A record that could not be used. `raw` is base64 and present only where the policy keeps bytes."""

    topic: str
    partition: int
    offset: int
    kind: str
    """`invalid` or `future`."""
    reason: str
    """Field path and kind of error; never a value."""
    timestamp: int
    """The record's own timestamp, milliseconds since the epoch."""
    key: str | None = None
    raw: str | None = None


class DeadLetterGuard:
    """Counts bad records of one input partition and stops the worker beyond the policy's limits."""

    def __init__(self, topic: str, partition: int, limits: DeadLetterLimits) -> None:
        self._topic, self._partition, self._limits = topic, partition, limits
        self._seen = 0
        self._bad: deque[int] = deque()
        """Which of the records seen were bad, as far as the window reaches."""
        self.run = 0
        """Bad records in a row, kept with the position so that a restart does not start it afresh."""

    def good(self, records: int = 1) -> None:
        """Records were usable."""
        self.run = 0
        self._seen += records

    def letter(self, record: Record, *, kind: str, reason: str) -> DeadLetter:
        """Set a record aside. Raises TooManyDeadLetters beyond the limits; the record is then read again later."""
        self.run += 1
        self._seen += 1
        self._bad.append(self._seen)
        while self._bad[0] <= self._seen - _WINDOW:
            self._bad.popleft()
        limit = self._exceeded()
        if limit:
            self.run -= 1  # it is not set aside, and will be read again
            raise TooManyDeadLetters(self._topic, self._partition, offset=record.offset, limit=limit)
        raw = record.value if self._limits.keep_raw else None
        return DeadLetter(
            topic=self._topic,
            partition=self._partition,
            offset=record.offset,
            kind=kind,
            reason=reason,
            timestamp=record.timestamp,
            key=record.key.decode("utf-8", "replace")[:200] if record.key and self._limits.keep_raw else None,
            raw=base64.b64encode(raw).decode() if raw is not None else None,
        )

    def _exceeded(self) -> str | None:
        if self.run > self._limits.max_run:
            return f"more than {self._limits.max_run} bad records in a row"
        share, bad = self._limits.max_share, len(self._bad)
        if self._seen >= _WINDOW and bad > _WINDOW * share + 3 * math.sqrt(_WINDOW * share * (1 - share)):
            return f"{bad} bad records in the last {_WINDOW}"
        return None
