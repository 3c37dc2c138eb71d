"""The readable records of a batch as columns of a table; it stores nothing and knows no duplicates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sql.batch import Record
from sql.columns import constant_column, instants

END_OF_TIME: Final = 4_291_747_200
"""2106-01-01 in seconds: rollups count minutes in ClickHouse's 32-bit DateTime."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the values of a topic say. A fact is what one readable value says; it has a time `at`."""

    content: pa.Table
    """Every column but `at`; columns that say nothing are left out."""
    micros: NDArray[np.int64]
    """`at` in microseconds since 1970."""
    hashes: NDArray[np.uint64]
    places: NDArray[np.intp]
    """Which of the values are facts, in order."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the records of one topic become rows of one table."""

    topic: str
    table: str
    read: Callable[[Sequence[bytes]], Facts]
    rollups: bool = False
    """The table feeds rollups: an insert cut off by a kill may leave them short, or the table."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The readable records of a batch: what they say, in columns, and what the archiver asks of each."""

    content: pa.Table
    """Every column but `at` and the place; columns that say nothing are left out."""
    micros: NDArray[np.int64]
    """Event time in microseconds since 1970."""
    offsets: NDArray[np.uint64]
    hashes: NDArray[np.uint64]
    invalid: int
    read: int
    """Records that these rows come from."""

    def __len__(self) -> int:
        return len(self.micros)

    @property
    def minutes(self) -> NDArray[np.int64]:
        """Event time in whole minutes since 1970."""
        return self.micros // 60_000_000

    def only(self, wanted: NDArray[np.bool_]) -> "Rows":
        """The rows where `wanted` is true."""
        if wanted.all():
            return self
        content = self.content.filter(pa.array(wanted))
        micros, offsets, hashes = self.micros[wanted], self.offsets[wanted], self.hashes[wanted]
        return Rows(content, micros, offsets, hashes, self.invalid, self.read)

    def table(self, *, epoch: int, partition: int, stored_at: datetime) -> pa.Table:
        """The rows as they are stored."""
        said = dict(zip(self.content.column_names, self.content.columns, strict=True))
        place = {
            "epoch": constant_column(epoch, len(self)),
            "partition": constant_column(partition, len(self)),
            "offset": pa.array(self.offsets),
            "event_hash": pa.array(self.hashes),
            "stored_at": constant_column(stored_at, len(self)),
        }
        return pa.table({"at": instants(self.micros), **said, **place})


def read_rows(shape: Shape, records: Sequence[Record], *, future_ms: int) -> Rows:
    """Read what can be read. Events later than the record's time plus `future_ms` are invalid."""
    facts = shape.read([record.value or b"" for record in records])
    micros = facts.micros
    latest_ms = np.array([record.timestamp for record in records], np.int64)[facts.places] + future_ms
    timely = (micros >= 0) & (micros < END_OF_TIME * 1_000_000) & (-(-micros // 1000) <= latest_ms)
    offsets = np.array([record.offset for record in records], np.uint64)[facts.places]
    invalid = len(records) - int(timely.sum())
    return Rows(facts.content, micros, offsets, facts.hashes, invalid, len(records)).only(timely)
