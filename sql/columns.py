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
    """Columns of text, numbers, booleans, datetimes or lists of these, as they are; None becomes the default."""
    arrays = zip(names, (pa.array(column) for column in columns), strict=True)
    return {name: array for name, array in arrays if not _says_nothing(array)}


def repeated_columns(names: Sequence[str], rows: Iterable[tuple[object, ...]]) -> Columns:
    """Columns whose values occur together again and again: each combination is looked at once, texts are sent once.

    Right for any rows, but slow where most are different. None becomes the default.
    """
    numbers: defaultdict[tuple[object, ...], int] = defaultdict(count().__next__)
    places = np.array([numbers[row] for row in rows], np.int32)
    arrays = {name: _spread(values, places) for name, values in zip(names, zip(*numbers, strict=True), strict=True)}
    return {name: array for name, array in arrays.items() if not _says_nothing(array)}


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
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    index = pa.array(np.array([numbers[value] for value in values], np.int32)[places])
    distinct = pa.array(list(numbers))
    if not pa.types.is_string(distinct.type):
        return distinct.take(index)
    return pa.DictionaryArray.from_arrays(index, distinct.fill_null(""))


def _says_nothing(array: pa.Array) -> bool:
    of = array.type.value_type if pa.types.is_list(array.type) else array.type
    return bool(pa.types.is_null(of)) or array.null_count == len(array)
