"""Python values as Arrow columns that ClickHouse reads; it knows no topic and no table.

A column in which nothing is said is left out, so that the table's default stands.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Columns = Mapping[str, pa.Array]

INSTANT: Final = pa.timestamp("us", tz="UTC")
_MILLISECONDS = pa.timestamp("ms", tz="UTC")


def plain_columns(names: Sequence[str], columns: Iterable[Sequence[object]]) -> Columns:
    """Columns of text, numbers, booleans, datetimes or tuples of these, as they are; None becomes the default."""
    named = zip(names, columns, strict=True)
    return {name: pa.array(column) for name, column in named if not _says_nothing(column)}


def constant_column(value: object, size: int) -> pa.Array:
    """One value for every row."""
    return pa.repeat(pa.scalar(value), size)


def instants(micros: NDArray[np.int64]) -> pa.Array:
    """Microseconds since 1970 as times of ClickHouse's `DateTime64(3)`, cut to the millisecond."""
    return pa.array(micros // 1000).view(_MILLISECONDS)


def microseconds(times: Sequence[object]) -> NDArray[np.int64]:
    """Aware datetimes as exact microseconds since 1970."""
    found: NDArray[np.int64] = pa.array(times, INSTANT).view(pa.int64()).to_numpy()
    return found


def _says_nothing(column: Sequence[object]) -> bool:
    return not any(column) and column.count(None) + column.count(()) == len(column)
