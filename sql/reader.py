"""Reads batches ahead of the archiver, large ones in a process of their own; it stores nothing.

Reading is Python, and most of an archiver's work. In one process it would wait for Python's lock with everything else.
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context

from broker.child import end_with
from sql.batch import Record
from sql.errors import ReaderLost
from sql.rows import Raw, Rows, Shape, read_rows
from sql.shapes import shapes

_LARGE = 5_000
"""Records; fewer are read sooner than sent."""


class Reader:
    """One reading process, which starts with the first large batch; `close` ends it, and so does the archiver's end."""

    def __init__(self, *, own_process: bool, future_ms: int) -> None:
        self._own_process, self._future_ms = own_process, future_ms
        self._pool: ProcessPoolExecutor | None = None

    async def read(self, topic: str, records: Sequence[Record]) -> Rows | None:
        """What the records say; None for compacted topics, which are stored as they are. Raises ReaderLost."""
        if topic not in _shapes():
            return None
        if not self._own_process or len(records) < _LARGE:
            return await asyncio.to_thread(_read, topic, Raw.of(records), self._future_ms)
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, get_context("spawn"), _begin, (os.getpid(),))
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, _read, topic, Raw.of(records), self._future_ms)
        except BrokenProcessPool as error:
            raise ReaderLost from error

    def close(self) -> None:
        """End the process; what it is reading is lost, and read again by whoever needs it."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


@cache
def _shapes() -> dict[str, Shape]:
    return dict(shapes())


def _begin(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells every process; the archiver decides
    end_with(parent)


def _read(topic: str, raw: Raw, future_ms: int) -> Rows:
    return read_rows(_shapes()[topic], raw, future_ms=future_ms)
