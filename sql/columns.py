"""Python values as Arrow columns that ClickHouse reads; it knows no topic and no table.

A column in which nothing is said is left out, so that the table's default stands.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Columns = Mapping[str, pa.Array]

_MICROSECONDS = pa.timestamp("us", tz="UTC")
_MILLISECONDS = pa.timestamp("ms", tz="UTC")


def plain_columns(names: Sequence[str], columns: Iterable[Sequence[object]]) -> Columns:
    """Columns of text, numbers, booleans, datetimes or tuples of these, as they are; None becomes the default."""
    named = zip(names, columns, strict=True)
    return {name: pa.array(column) for name, column in named if not _says_nothing(column)}


def repeated_columns(names: Sequence[str], rows: Iterable[tuple[object, ...]]) -> Columns:
    """Columns whose values occur together again and again: each combination is looked at once, texts are sent once.

    Right for any rows, but slow where most are different. None becomes the default.
    """
    numbers: defaultdict[tuple[object, ...], int] = defaultdict(count().__next__)
    places = np.fromiter(map(numbers.__getitem__, rows), np.int32)
    named = zip(names, zip(*numbers, strict=True), strict=True)
    return {name: _spread(values, places) for name, values in named if not _says_nothing(values)}


def constant_column(value: object, size: int) -> pa.Array:
    """One value for every row."""
    return pa.repeat(pa.scalar(value), size)


def instants(micros: NDArray[np.int64]) -> pa.Array:
    """Microseconds since 1970 as times of ClickHouse's `DateTime64(3)`, cut to the millisecond."""
    return pa.array(micros // 1000).view(_MILLISECONDS)


def microseconds(times: Sequence[object]) -> NDArray[np.int64]:
    """Aware datetimes as exact microseconds since 1970."""
    found: NDArray[np.int64] = pa.array(times, _MICROSECONDS).view(pa.int64()).to_numpy()
    return found


def _spread(values: tuple[object, ...], places: NDArray[np.int32]) -> pa.Array:
    texts = any(isinstance(value, str) for value in values)
    known = ["" if texts and value is None else value for value in values]
    numbers = {value: number for number, value in enumerate(dict.fromkeys(known))}
    index = pa.array(np.array([numbers[value] for value in known], np.int32)[places])
    distinct = pa.array(list(numbers))
    return pa.DictionaryArray.from_arrays(index, distinct) if texts else distinct.take(index)


def _says_nothing(column: Sequence[object]) -> bool:
    return not any(column) and column.count(None) + column.count(()) == len(column)
