"""The shape of recorded traffic: how bursty requests arrive and how long they are; it holds no clock times."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from traffic.errors import ArrivalsError

_COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_STRETCH = 256
_MICROSECONDS = 26


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """Gaps between requests relative to their mean, and (prompt, completion) tokens, in the order recorded."""

    gaps: NDArray[np.float64]
    """Mean 1; the order is kept, because bursts are runs of short gaps."""
    tokens: NDArray[np.int64]
    """Shape (requests, 2)."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a CSV with TIMESTAMP, ContextTokens and GeneratedTokens. Raises ArrivalsError or OSError."""
        with path.open(newline="", encoding="utf-8-sig") as lines:
            return cls.read(lines)

    @classmethod
    def read(cls, lines: Iterable[str]) -> Self:
        """Read the lines of such a CSV; they need not be in order of time. Raises ArrivalsError."""
        rows = csv.DictReader(lines)
        if not set(_COLUMNS) <= set(rows.fieldnames or ()):
            raise ArrivalsError(0, f"needs the columns {', '.join(_COLUMNS)}")
        requests = sorted(_request(row, line=number) for number, row in enumerate(rows, start=2))
        gaps = np.diff(np.array([at for at, _, _ in requests], dtype=np.float64))
        if gaps.size < _STRETCH or gaps.sum() <= 0:
            raise ArrivalsError(0, f"needs more than {_STRETCH} requests at different times")
        return cls(gaps / gaps.mean(), np.array([tokens for _, *tokens in requests], dtype=np.int64))

    def draw_tokens(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Tokens of `count` requests, shape (count, 2), drawn from the recorded ones."""
        return self.tokens[rng.integers(0, len(self.tokens), count)]

    def shape(self, at: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Give sorted times the recorded burstiness.

        Every stretch of 256 requests keeps its first and last time, so the curve of the day stays; the times
        between follow a run of recorded gaps. Order is kept.
        """
        shaped = at.copy()
        for first in range(0, at.size - 1, _STRETCH):
            stretch = at[first : first + _STRETCH + 1]
            run = rng.integers(0, self.gaps.size - _STRETCH + 1)
            steps = np.cumsum(self.gaps[run : run + stretch.size - 1])
            if steps[-1] > 0:
                shaped[first + 1 : first + stretch.size] = stretch[0] + steps / steps[-1] * (stretch[-1] - stretch[0])
        return shaped


def _request(row: dict[str, str | None], *, line: int) -> tuple[float, int, int]:
    time, *tokens = (row[name] for name in _COLUMNS)
    try:
        prompt, completion = (int(text or "") for text in tokens)
        at = datetime.fromisoformat((time or "")[:_MICROSECONDS]).timestamp()
    except ValueError:
        raise ArrivalsError(line, "is not a time and two whole numbers") from None
    if min(prompt, completion) < 0:
        raise ArrivalsError(line, "has negative tokens")
    return at, prompt, completion
