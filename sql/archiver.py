"""Stores batches of the log in ClickHouse, each distinct event once; it reads no Kafka and never drops a batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import numpy as np

from events.topics import TOPICS
from sql.batch import Batch, Record, StoredReport
from sql.batches import Entry, Lane, is_lost, last_entry, settle, write_entry
from sql.errors import BatchShort, Fenced, NotArchived
from sql.restore import STATE_TABLE, state_columns
from sql.rows import Rows, Shape, read_rows
from sql.seen import Hashes, SeenMinutes
from sql.shapes import shapes
from sql.statement import statement
from sql.store import Store

_MINUTES_PER_QUESTION = 5_000


class Archiver:
    """Called once per assignment and once per batch, by one thread at a time.

    `assigned` says from which offset to read; `store_batch` returns when the rows and their rollups are in ClickHouse,
    and only then may the offsets be committed. When it raises, nothing was decided: give it the same batch again, or a
    longer one that begins with it.
    """

    def __init__(
        self,
        store: Store,
        epoch: int,
        *,
        clock: Callable[[], datetime],
        future: timedelta = timedelta(minutes=5),
        seen_limit: int = 5_000_000,
    ) -> None:
        self._store, self._epoch, self._clock = store, epoch, clock
        self._future_ms = int(future.total_seconds() * 1000)
        self._owner = token_hex(8)
        self._shapes = shapes()
        self._compacted = {topic.name for topic in TOPICS if topic.compacted}
        self._seen = {
            shape.table: SeenMinutes(self._loader(shape.table), seen_limit) for shape in self._shapes.values()
        }
        self._due: dict[Lane, int] = {}
        self._noted: dict[Lane, int] = {}
        self._unsettled: dict[Lane, int] = {}
        """Last offset of a batch that was noted and of which no row is stored."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic that belongs into ClickHouse."""
        return (*self._shapes, *sorted(self._compacted))

    def assigned(self, topic: str, partition: int) -> int:
        """The offset to read from; finishes the last batch first if a crash left its rollups short.

        Raises StoreUnavailable, BatchTorn, NotArchived.
        """
        lane = self._lane(topic, partition)
        shape = self._shapes.get(topic)
        if shape:
            self._seen[shape.table].clear()
        self._unsettled.pop(lane, None)
        entry = last_entry(self._store, lane)
        if entry is None:
            due, noted = 0, -1
        else:
            due, noted = (settle(self._store, lane, entry=entry, shape=shape) if shape else entry.due), entry.due
        self._due[lane], self._noted[lane] = due, noted
        if entry is not None and shape and entry.stored and due == entry.due:
            self._unsettled[lane] = entry.last
        return due

    def revoked(self, topic: str, partition: int) -> None:
        """Forget a partition that another archiver may write from now on."""
        lane = self._lane(topic, partition)
        self._due.pop(lane, None)

    def store_batch(self, batch: Batch, rows: Rows | None = None) -> StoredReport:
        """Store what is new; `rows` is what the batch's records say, where it was read before.

        Raises StoreUnavailable (try again), BatchShort (give more), Fenced, BatchTorn, QueryFailed, NotArchived.
        """
        lane = self._lane(batch.topic, batch.partition)
        if lane not in self._due:
            self.assigned(batch.topic, batch.partition)
        due = self._due[lane]
        records = [record for record in batch.records if record.offset >= due]
        already = len(batch.records) - len(records)
        if not records:
            return StoredReport(already=already)
        last = self._unsettled.get(lane, -1)
        if records[-1].offset < last:
            raise BatchShort(batch.topic, batch.partition, last=last)
        self._unsettled.pop(lane, None)
        if records[0].offset <= last < records[-1].offset:
            return self._in_two(batch, last)
        del self._due[lane]  # until it is known what became of the batch
        self._check_owner(lane)
        shape = self._shapes.get(batch.topic)
        entry = Entry(due, records[0].offset, records[-1].offset, 0, self._now_ms(), self._owner)
        stored, duplicate, invalid = (
            self._store_rows(lane, self._fitting(rows, records, shape), entry=entry, shape=shape)
            if shape
            else self._store_states(lane, records, entry=entry)
        )
        self._due[lane] = entry.last + 1
        return StoredReport(stored, duplicate, invalid, already)

    def _in_two(self, batch: Batch, last: int) -> StoredReport:
        """Rollups may have had the records up to `last`: only the same batch again is known by its token there."""
        parts = (
            [record for record in batch.records if record.offset <= last],
            [record for record in batch.records if record.offset > last],
        )
        reports = [self.store_batch(Batch(batch.topic, batch.partition, records)) for records in parts]
        return StoredReport(*map(sum, zip(*map(astuple, reports), strict=True)))

    def read(self, topic: str, records: Sequence[Record]) -> Rows | None:
        """What the records say, for `store_batch`; None for compacted topics. Any thread may call it."""
        shape = self._shapes.get(topic)
        return read_rows(shape, records, future_ms=self._future_ms) if shape else None

    def _fitting(self, rows: Rows | None, records: list[Record], shape: Shape) -> Rows:
        """Rows that were read before do not fit when some of the batch was stored already."""
        if rows is not None and rows.read == len(records):
            return rows
        return read_rows(shape, records, future_ms=self._future_ms)

    def _store_rows(self, lane: Lane, rows: Rows, *, entry: Entry, shape: Shape) -> tuple[int, int, int]:
        seen = self._seen[shape.table]
        fresh = rows.only(seen.fresh(rows.minutes, rows.hashes))
        stored, duplicates = len(fresh), len(rows) - len(fresh)
        entry, is_second = replace(entry, stored=stored), self._noted[lane] == entry.due
        self._note(lane, entry, duplicates=duplicates, invalid=rows.invalid)
        if stored:
            table = fresh.table(epoch=lane.epoch, partition=lane.partition, stored_at=_utc(entry.stored_at_ms))
            self._store.insert_table(shape.table, table, token=entry.token(lane))
            if is_second and is_lost(self._store, lane, entry=entry, shape=shape):
                self._store.put_back(shape.table, table)
            seen.remember(fresh.minutes, fresh.hashes)
        return stored, duplicates, rows.invalid

    def _store_states(self, lane: Lane, records: list[Record], *, entry: Entry) -> tuple[int, int, int]:
        keyed = [record for record in records if record.key is not None]
        invalid = len(records) - len(keyed)
        self._note(lane, replace(entry, stored=len(keyed)), duplicates=0, invalid=invalid)
        if keyed:
            columns = state_columns(lane, keyed, stored_at=_utc(entry.stored_at_ms))
            # No token of the batch: one that ClickHouse knows without its rows would keep them out. Versions replace.
            self._store.insert_columns(
                STATE_TABLE, tuple(columns), columns=list(columns.values()), token=f"{self._owner}:{entry.token(lane)}"
            )
        return len(keyed), 0, invalid

    def _note(self, lane: Lane, entry: Entry, *, duplicates: int, invalid: int) -> None:
        write_entry(self._store, lane, entry=entry, duplicates=duplicates, invalid=invalid)
        self._noted[lane] = entry.due

    def _check_owner(self, lane: Lane) -> None:
        entry = last_entry(self._store, lane)
        if entry is not None and entry.due > self._noted[lane]:
            raise Fenced(lane.topic, lane.partition)

    def _now_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)

    def _lane(self, topic: str, partition: int) -> Lane:
        if topic not in self._shapes and topic not in self._compacted:
            raise NotArchived(topic)
        return Lane(self._epoch, topic, partition)

    def _loader(self, table: str) -> Callable[[list[int]], Mapping[int, Hashes]]:
        def load(minutes: list[int]) -> Mapping[int, Hashes]:
            found: dict[int, Hashes] = {}
            for start in range(0, len(minutes), _MINUTES_PER_QUESTION):
                some = minutes[start : start + _MINUTES_PER_QUESTION]
                params = {"table": table, "minutes": some, "from": min(some) * 60_000, "to": (max(some) + 1) * 60_000}
                rows = self._store.query(statement("seen_hashes"), params).rows
                found.update((minute, np.array(hashes, np.uint64)) for minute, hashes in rows)
            return found

        return load


def _utc(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
