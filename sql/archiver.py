"""Stores batches of the log in ClickHouse, each distinct event once; it reads no Kafka and never drops a batch."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import numpy as np

from events.topics import TOPICS
from sql.batch import Batch, Record, StoredReport
from sql.batches import Entry, Lane, last_entry, settle, write_entry
from sql.errors import Fenced, NotArchived, StoreError
from sql.restore import STATE_TABLE, state_columns
from sql.rows import Rows, Shape, read_rows, shapes
from sql.seen import Hashes, SeenMinutes
from sql.statement import statement
from sql.store import Store

_PLACE = ("epoch", "partition", "offset", "event_hash", "stored_at")
_MINUTES_PER_QUESTION = 5_000


class Archiver:
    """Called once per assignment and once per batch, by one thread at a time.

    `assigned` says from which offset to read; `store_batch` returns when the rows and their rollups are in ClickHouse,
    and only then may the offsets be committed. When it raises, nothing was decided: give it the same batch again.
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
        self._seen = {shape.table: SeenMinutes(self._loader(shape.table), seen_limit) for shape in self._shapes.values()}
        self._due: dict[Lane, int] = {}
        self._noted: dict[Lane, int] = {}

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
        entry = last_entry(self._store, lane)
        if entry is None:
            due, noted = 0, -1
        else:
            due, noted = (settle(self._store, lane, entry, shape) if shape else entry.due), entry.due
        self._due[lane], self._noted[lane] = due, noted
        return due

    def revoked(self, topic: str, partition: int) -> None:
        """Forget a partition that another archiver may write from now on."""
        lane = self._lane(topic, partition)
        self._due.pop(lane, None)

    def store_batch(self, batch: Batch) -> StoredReport:
        """Store what is new. Raises StoreUnavailable (try again), Fenced, BatchTorn, QueryFailed, NotArchived."""
        lane = self._lane(batch.topic, batch.partition)
        due = self._due[lane] if lane in self._due else self.assigned(batch.topic, batch.partition)
        records = [record for record in batch.records if record.offset >= due]
        already = len(batch.records) - len(records)
        if not records:
            return StoredReport(already=already)
        try:
            entry = last_entry(self._store, lane)
            if entry is not None and entry.due > self._noted[lane]:
                raise Fenced(batch.topic, batch.partition)
            shape = self._shapes.get(batch.topic)
            stored, duplicate, invalid = self._store_rows(lane, shape, records) if shape else self._store_states(lane, records)
        except StoreError:
            self.revoked(batch.topic, batch.partition)
            raise
        self._due[lane] = records[-1].offset + 1
        return StoredReport(stored, duplicate, invalid, already)

    def _store_rows(self, lane: Lane, shape: Shape, records: list[Record]) -> tuple[int, int, int]:
        rows = read_rows(shape, records, future_ms=self._future_ms)
        minutes, hashes = np.array(rows.minutes, np.int64), np.array(rows.hashes, np.uint64)
        fresh = self._seen[shape.table].fresh(minutes, hashes)
        stored = int(fresh.sum())
        duplicates = len(fresh) - stored
        entry = self._entry(lane, records, stored)
        self._note(lane, entry, duplicates=duplicates, invalid=rows.invalid)
        if stored:
            self._insert(lane, shape, entry, rows, fresh.tolist())
            self._seen[shape.table].remember(minutes[fresh], hashes[fresh])
        return stored, duplicates, rows.invalid

    def _insert(self, lane: Lane, shape: Shape, entry: Entry, rows: Rows, fresh: list[bool]) -> None:
        place = (lane.epoch, lane.partition)
        stored_at = datetime.fromtimestamp(entry.stored_at_ms / 1000, UTC)
        lines = (
            (*content, *place, offset, hashed, stored_at)
            for new, content, offset, hashed in zip(fresh, rows.contents, rows.offsets, rows.hashes, strict=True)
            if new
        )
        self._store.insert_rows(shape.table, shape.columns + _PLACE, lines, entry.token(lane))

    def _store_states(self, lane: Lane, records: list[Record]) -> tuple[int, int, int]:
        keyed = [record for record in records if record.key is not None]
        entry = self._entry(lane, records, len(keyed))
        self._note(lane, entry, duplicates=0, invalid=len(records) - len(keyed))
        if keyed:
            columns = state_columns(lane, keyed, stored_at_ms=entry.stored_at_ms)
            self._store.insert_columns(STATE_TABLE, tuple(columns), list(columns.values()), entry.token(lane))
        return len(keyed), 0, len(records) - len(keyed)

    def _entry(self, lane: Lane, records: list[Record], stored: int) -> Entry:
        now_ms = int(self._clock().timestamp() * 1000)
        return Entry(self._due[lane], records[0].offset, records[-1].offset, stored, now_ms, self._owner)

    def _note(self, lane: Lane, entry: Entry, *, duplicates: int, invalid: int) -> None:
        write_entry(self._store, lane, entry, duplicates=duplicates, invalid=invalid)
        self._noted[lane] = entry.due

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
