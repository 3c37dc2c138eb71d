"""Reads canonical events into columns with no Python object for each; what is not plain it leaves to the decoder.

Arrow reads JSON without Python's lock, and knows no pattern and no range: those are checked on the columns. What it
reads otherwise than the decoder, or refuses, is decoded record by record, so that the verdict is always the decoder's.
"""

from collections.abc import Collection, Iterator, Sequence
from operator import attrgetter
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import json

from events.decoder import RECORD_LIMIT, Decoder
from events.errors import InvalidRecord
from events.event import Event
from events.seen import event_hashes
from sql.columns import INSTANT
from sql.field import Field, event_fields
from sql.rows import Facts

_FEW: Final = 512
"""So few records are decoded: to ask Arrow about them takes longer."""
_SPLIT: Final = 8
_SAMPLE: Final = 32
_LONGEST: Final = 1 << 26
"""Bytes that are read at once."""

Piece = tuple[pa.Table, NDArray[np.intp]]
"""Facts as columns, `at` among them, and which of the values they are."""


class EventReader:
    """Reads the records of one event topic: `EventReader(FilterVerdict, varied={"event_id"}).read(values)`."""

    def __init__(self, model: type[Event], *, varied: frozenset[str], few: int = _FEW) -> None:
        self._few = few
        self._decode = Decoder(model).decode_many
        self._fields = {field.name: field for field in event_fields(model, varied)}
        self._keys = {name: f'"{name}"'.encode() for name in self._fields}
        self._content = [field for name, field in self._fields.items() if name not in {"v", "at"}]

    def read(self, values: Sequence[bytes]) -> Facts:
        """The events among `values`, with a column for every field that is said in any of them."""
        pieces = list(self._read(values, 0))
        places = np.concatenate([np.empty(0, np.intp), *(places for _, places in pieces)])
        if not len(places):
            return Facts(pa.table({}), np.empty(0, np.int64), np.empty(0, np.uint64), places)
        table = _joined([table for table, _ in pieces])
        said = {field.name: column for field in self._content if (column := _finished(field, table)) is not None}
        micros = table["at"].chunk(0).view(pa.int64()).to_numpy()
        return Facts(pa.table(said), micros, _hashes(table), places)

    def _read(self, values: Sequence[bytes], first: int) -> Iterator[Piece]:
        if len(values) <= self._few:
            yield self._decoded(values, first)
        elif (table := self._plain(values)) is not None:
            yield table, np.arange(first, first + len(values))
        else:
            size = max(self._few, len(values) // _SPLIT + 1)
            for start in range(0, len(values), size):
                yield from self._read(values[start : start + size], first + start)

    def _decoded(self, values: Sequence[bytes], first: int) -> Piece:
        found = list(enumerate(self._decode(values), first))
        events = [event for _, event in found if not isinstance(event, InvalidRecord)]
        columns = {name: _column(field, events) for name, field in self._fields.items()}
        places = [place for place, event in found if not isinstance(event, InvalidRecord)]
        return pa.table(columns), np.array(places, np.intp)

    def _plain(self, values: Sequence[bytes]) -> pa.Table | None:
        """All of the values as columns, or None where any of them needs a closer look."""
        lines = _lines(values)
        if lines is None:
            return None
        table = _parsed(lines, self._likely(values)) or _parsed(lines, self._fields.values())
        if table is None or len(table) != len(values):
            return None
        columns = {}
        for name in table.column_names:
            if (column := _checked(self._fields[name], table[name].chunk(0), lines)) is None:
                return None
            columns[name] = column
        return pa.table(columns)

    def _likely(self, values: Sequence[bytes]) -> list[Field]:
        """The fields that a few of the values have: reading for a field costs time even where it is never said."""
        sample = b"".join(values[:: max(1, len(values) // _SAMPLE)])
        return [field for name, field in self._fields.items() if field.required or self._keys[name] in sample]


def _lines(values: Sequence[bytes]) -> bytes | None:
    """The values one below the other, or None where it takes more than counting to tell that each is one object.

    Events are flat, a string cannot hold a line feed, and so a brace that follows one begins an object: as many objects
    as values, when each value begins with a brace, are one object each.
    """
    lengths = np.fromiter(map(len, values), np.int64, len(values))
    if not lengths.all() or lengths.max() > RECORD_LIMIT or lengths.sum() > _LONGEST:
        return None
    lines = b"\n".join(values)
    starts = np.cumsum(lengths + 1) - lengths - 1
    begin = np.frombuffer(lines, np.uint8)[starts] == ord("{")
    return lines if begin.all() and b"\0" not in lines and _is_utf8(lines) else None


def _is_utf8(lines: bytes) -> bool:
    try:
        return lines.isascii() or bool(lines.decode())
    except UnicodeDecodeError:
        return False


def _parsed(lines: bytes, fields: Collection[Field]) -> pa.Table | None:
    schema = pa.schema([(field.name, field.type) for field in fields])
    as_one_block = json.ReadOptions(use_threads=False, block_size=len(lines))
    parse = json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    try:
        return json.read_json(pa.BufferReader(lines), as_one_block, parse).combine_chunks()
    except pa.ArrowInvalid:
        return None


def _checked(field: Field, array: pa.Array, lines: bytes) -> pa.Array | None:
    """The column as it goes into a piece, or None where any of its values needs a closer look."""
    if array.null_count and (field.required or (field.default is not None and b"null" in lines)):
        return None
    if field.repeats:
        array = array.dictionary_encode()
    if not field.fits(array.dictionary if field.repeats else array):
        return None
    return _instants(array) if field.name == "at" else array


def _instants(texts: pa.Array) -> pa.Array | None:
    try:
        return texts.cast(INSTANT)
    except pa.ArrowInvalid:
        return None


def _joined(tables: list[pa.Table]) -> pa.Table:
    """The rows of all tables, each column in one piece."""
    return pa.concat_tables(tables, promote_options="default").combine_chunks() if len(tables) > 1 else tables[0]


def _column(field: Field, events: Sequence[Event]) -> pa.Array:
    values = [*map(attrgetter(field.name), events)]
    array = pa.array(values, INSTANT if field.name == "at" else field.type)
    return array.dictionary_encode() if field.repeats else array


def _finished(field: Field, table: pa.Table) -> pa.Array | None:
    """The column as it is stored, or None where it says nothing: nulls are the default, absent texts are empty."""
    if field.name not in table.column_names:
        said = field.default not in (None, ())
        return _filled(field, pa.nulls(len(table), field.type)) if said else None
    array = table[field.name].chunk(0)
    if field.default == ():
        lists = pa.ListArray.from_arrays(array.offsets, array.values)
        return lists if len(lists.values) else None
    if field.default is None and array.null_count == len(array):
        return None
    return _filled(field, array) if array.null_count else array


def _filled(field: Field, array: pa.Array) -> pa.Array:
    nothing = "" if field.repeats else None
    filled = array.cast(field.type).fill_null(field.default if field.default is not None else nothing)
    return filled.dictionary_encode() if field.repeats else filled


def _hashes(table: pa.Table) -> NDArray[np.uint64]:
    tenants, ids = table["tenant"].chunk(0).cast(pa.string()), table["event_id"].chunk(0)
    names = pc.binary_join_element_wise(tenants, ids, "|").view(pa.binary())
    return np.frombuffer(event_hashes(names.to_pylist()), np.uint64)
