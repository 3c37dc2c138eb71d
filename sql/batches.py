"""The archiver's books in ClickHouse: an entry per batch, written before its rows, so that a crash leaves a trace."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from sql.errors import BatchTorn
from sql.rows import Shape
from sql.statement import statement
from sql.store import Store

_COLUMNS = (
    "epoch",
    "topic",
    "partition",
    "due",
    "first",
    "last",
    "stored",
    "duplicates",
    "invalid",
    "owner",
    "stored_at",
)


class Lane(NamedTuple):
    """One partition of one topic in one life of the log."""

    epoch: int
    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What a batch is made of. `due` is the offset that was expected; gaps may lie between it and `first`."""

    due: int
    first: int
    last: int
    stored: int
    stored_at_ms: int
    owner: str

    def token(self, lane: Lane) -> str:
        """What ClickHouse recognises a repeated insert by."""
        return f"{lane.epoch}:{lane.topic}:{lane.partition}:{self.first}-{self.last}"


def write_entry(store: Store, lane: Lane, *, entry: Entry, duplicates: int, invalid: int) -> None:
    """Note a batch whose rows are about to be inserted; replaces an entry with the same `due`."""
    stored_at = datetime.fromtimestamp(entry.stored_at_ms / 1000, UTC)
    counts = (entry.due, entry.first, entry.last, entry.stored, duplicates, invalid)
    store.insert_rows("archive_batches", _COLUMNS, rows=[(*lane, *counts, entry.owner, stored_at)])


def last_entry(store: Store, lane: Lane) -> Entry | None:
    """The newest entry of a lane."""
    rows = store.query(statement("last_batch"), lane._asdict()).rows
    return Entry(*rows[0]) if rows else None


def settle(store: Store, lane: Lane, *, entry: Entry, shape: Shape) -> int:
    """Find out whether the rows of the last batch are stored, complete its rollups, and return the next offset.

    Raises BatchTorn when only some of them are there, which one insert of one part cannot leave behind.
    """
    if entry.stored == 0:
        return entry.last + 1
    place = _place(lane, entry, shape)
    found = store.query(statement("batch_rows"), place).rows[0][0]
    if found == 0:
        return entry.due
    if found != entry.stored:
        raise BatchTorn(lane.topic, lane.partition, expected=entry.stored, found=found)
    if shape.rollups:
        store.insert_again(shape.table, statement("batch"), params=place, token=entry.token(lane))
    return entry.last + 1


def is_lost(store: Store, lane: Lane, *, entry: Entry, shape: Shape) -> bool:
    """After a second insert of a batch: whether ClickHouse has skipped it, and has its rows nowhere.

    It skips what it knows the token of, and may know that of an insert that it was killed in: the token is written
    before the part has its name. The views take the rows even so. Raises BatchTorn when rows came from elsewhere.
    """
    place = _place(lane, entry, shape)
    found = store.query(statement("batch_rows"), place).rows[0][0]
    if found == entry.stored:
        return False
    if found or store.query(statement("batch_anywhere"), place).rows[0][0]:
        raise BatchTorn(lane.topic, lane.partition, expected=entry.stored, found=found)
    return True


def _place(lane: Lane, entry: Entry, shape: Shape) -> dict[str, object]:
    return {
        "table": shape.table,
        "epoch": lane.epoch,
        "partition": lane.partition,
        "first": entry.first,
        "last": entry.last,
        "stored_at_ms": entry.stored_at_ms,
    }


@dataclass(frozen=True, slots=True)
class BookLine:
    """The archiver's books of one partition: records = stored + duplicates + invalid, and `rows` are really there."""

    topic: str
    partition: int
    stored: int
    duplicates: int
    invalid: int
    next_offset: int
    rows: int
    """Counted in the table; retention makes it smaller than `stored` in time. Compacted topics show 0."""


def archive_books(store: Store, epoch: int, *, since: datetime | None = None) -> list[BookLine]:
    """The books of every partition of an epoch, from batches stored at `since` or later."""
    since_ms = int(since.timestamp() * 1000) if since else 0
    return [BookLine(*row) for row in store.query(statement("archive_books"), {"epoch": epoch, "since": since_ms}).rows]
