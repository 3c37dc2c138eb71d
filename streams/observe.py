"""The observer: applies events to subjects and series of one partition, and publishes signals and running totals."""

from collections.abc import Iterable
from itertools import compress
from typing import Any

import msgspec

from alerts.signal import Signal
from broker.bulk import Outgoing
from broker.progress import Progress
from events.topics import (
    BASELINES,
    BOOKS,
    DEAD_LETTERS,
    EVENT_TOPICS,
    FILTER_VERDICTS,
    OBSERVE_STATE,
    SERIES_COUNTS,
    SERIES_SCORES,
    SIGNALS,
)
from policy import LoadedPolicy
from streams import metrics, series
from streams.counts import Counts
from streams.intake import Chunk, Intake
from streams.judges import Judges
from streams.lane import Flush, Lane, Record

_SCORES = frozenset({"grounded_score", "quality_score"})
_TELL_EVERY = 15.0
"""Seconds between two reports of progress."""


class ObserveLane(Lane):
    """One partition of the event topics."""

    agent = "observe"
    state_topic = OBSERVE_STATE.name

    def __init__(self, partition: int, *, policy: LoadedPolicy, partitions: int) -> None:
        super().__init__(partition)
        self._policy = policy
        self._partitions = partitions
        rules = policy.policy
        self.intakes = {
            topic.name: Intake(topic.name, partition, model=model, policy=rules) for topic, model in EVENT_TOPICS
        }
        self.judges = Judges(policy)
        self.counts = Counts(rules.detectors.category_spike.hierarchy)
        self._restorers = self.judges.restorers()
        self._touched: set[str] = set()
        self._told_at = 0.0
        self._marked: series.Watermark | None = None
        self._quiet_since: float | None = None

    def apply(self, topic: str, records: Iterable[Record]) -> None:
        """Apply a batch of one event topic, or of baselines."""
        if topic == BASELINES.name:
            self._take_baselines(records)
            return
        intake = self.intakes[topic]
        before = msgspec.structs.astuple(intake.books)
        try:
            for chunk in intake.chunks(records):
                if topic == FILTER_VERDICTS.name:
                    self._count(chunk)
                    self._tell(self.judges.verdicts(chunk))
                else:
                    for offset, at, event in zip(chunk.offsets, chunk.ats, chunk.events, strict=True):
                        self._tell(self.judges.other(topic, offset, at, event=event))
        finally:
            self.judges.settle()
            self._touched.add(topic)
            self._set_aside(intake)
            self.read_to(topic, intake.books.next_offset)
            _book(intake, before)

    def _take_baselines(self, records: Iterable[Record]) -> None:
        for record in records:
            if record.value is not None and self.judges.baselines.take(record.value):
                told = series.ENCODE(series.NewBaseline(record.value.decode()))
                self.emit(Outgoing(SERIES_COUNTS.name, b"~baseline", told, self.partition))
            self.read_to(BASELINES.name, record.offset + 1)
        self._touched.add(BASELINES.name)

    def _count(self, chunk: Chunk) -> None:
        """Scores are published one by one, verdicts are counted."""
        is_score = [one.score is not None and one.score_kind in _SCORES for one in chunk.events]
        if any(is_score):
            for offset, at, verdict in zip(*(compress(column, is_score) for column in chunk), strict=True):
                self._score(offset, at, verdict)
            is_verdict = [not one for one in is_score]
            chunk = Chunk(*(list(compress(column, is_verdict)) for column in chunk))
        if chunk.offsets:
            self.counts.chunk(chunk)

    def _tell(self, signals: Iterable[Signal]) -> None:
        for signal in signals:
            metrics.SIGNALS.labels(detector=signal.detector, level=signal.level).inc()
            self.emit(Outgoing(SIGNALS.name, signal.key.encode(), signal.model_dump_json().encode()))

    def _score(self, offset: int, at: float, verdict: Any) -> None:
        parts = (
            verdict.tenant,
            verdict.model,
            verdict.deployment or "-",
            verdict.provider_category,
            verdict.filter,
            verdict.filter_version or "-",
        )
        name = "|".join(parts)
        score = series.SeriesScore(name, verdict.event_id, at, verdict.score, self.partition, offset)
        self.emit(Outgoing(SERIES_SCORES.name, name.encode(), series.ENCODE(score)))

    def _set_aside(self, intake: Intake) -> None:
        for letter in intake.letters:
            metrics.DEAD_LETTERS.labels(topic=letter.topic, kind=letter.kind).inc()
            key = f"{letter.topic}|{letter.partition}|{letter.offset}".encode()
            self.emit(Outgoing(DEAD_LETTERS.name, key, msgspec.json.encode(letter)))
        intake.letters.clear()

    def publish(self, now: float, clock: float) -> None:
        """Add the running totals, the watermark and the books to the outbox; `now` is monotonic, `clock` since 1970."""
        source = self.partition
        for told in (*self.counts.published(source), *self.counts.tallied(source), *self.judges.published(source)):
            self.emit(Outgoing(SERIES_COUNTS.name, series.key_of(told).encode(), series.ENCODE(told)))
        for topic in self._touched.intersection(self.intakes):
            books = self.intakes[topic].books
            self.emit(Outgoing(BOOKS.name, books.key, msgspec.json.encode(books), self.partition))
        self._publish_watermark(now, clock)
        self._publish_progress(clock)

    def _publish_watermark(self, now: float, clock: float) -> None:
        intake = self.intakes[FILTER_VERDICTS.name]
        if FILTER_VERDICTS.name in self._touched or self._quiet_since is None:
            self._quiet_since = now
        lateness = self._policy.policy.lateness
        idle = now - self._quiet_since > lateness.idle.total_seconds()
        waited = (clock - lateness.allowed.total_seconds()) // 60 * 60 if idle else 0.0
        mark = series.Watermark(self.partition, intake.watermark // 60 * 60, idle, waited)
        nothing_to_say = intake.high == 0 and not idle
        if nothing_to_say or mark == self._marked:
            return
        self._marked = mark
        value = series.ENCODE(mark)
        for topic in (SERIES_COUNTS.name, SERIES_SCORES.name):
            for partition in range(self._partitions):
                self.emit(Outgoing(topic, f"~{self.partition}".encode(), value, partition))

    def _publish_progress(self, clock: float) -> None:
        """How far every topic was read: those who watch the archiver compare."""
        if clock - self._told_at < _TELL_EVERY:
            return
        self._told_at = clock
        for topic, intake in self.intakes.items():
            if intake.books.next_offset:
                self.emit(Progress(topic, self.partition, intake.books.next_offset, "worker", clock).record())

    def drain(self, now: float, *, clock: float = 0.0) -> Flush:
        """As every lane, after publishing what has changed."""
        self.publish(now, clock)
        return super().drain(now, clock=clock)

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """Judges' states, counts, ids, positions, and what is forgotten then: replay completes any prefix of it."""
        if not self._touched:
            return []
        watermarks = {topic: intake.watermark for topic, intake in self.intakes.items()}
        self.judges.forget_before(watermarks)
        self.counts.forget_before(int(watermarks[FILTER_VERDICTS.name] // 60))
        states = [*self.judges.changed(), *self.counts.changed()]
        records = [record for record in states if record[1] is not None]
        for topic in self._touched.intersection(self.intakes):
            records.extend(self.intakes[topic].changed())
        records.extend(record for record in states if record[1] is None)
        self._touched.clear()
        metrics.KEYS.labels(agent=self.agent, kind="subjects").set(len(self.judges.subjects))
        metrics.KEYS.labels(agent=self.agent, kind="askers").set(len(self.judges.askers))
        metrics.KEYS.labels(agent=self.agent, kind="rule_groups").set(len(self.judges.rules))
        metrics.KEYS.labels(agent=self.agent, kind="counts").set(len(self.counts))
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """States of the judges, counts (`c|`), ids (`i|`) and positions (`p|`)."""
        kind, rest = key[:2], key[2:]
        if kind == b"c|":
            self.counts.restore(rest, value)
        elif kind == b"i|":
            topic, minute, number = rest.decode().split("|")
            self.intakes[topic].restore_chunk(int(minute), int(number), value)
        elif kind == b"p|" and value is not None:
            self.intakes[rest.decode()].restore_position(value)
        elif take := self._restorers.get(kind):
            take(rest, value)

    def restored(self) -> None:
        """All state records are read."""
        for intake in self.intakes.values():
            intake.restored()


def _book(intake: Intake, before: tuple[Any, ...]) -> None:
    after = msgspec.structs.astuple(intake.books)
    for index, outcome in enumerate(("applied", "late", "duplicate", "dead"), start=3):
        grown = after[index] - before[index]
        if grown:
            metrics.EVENTS.labels(topic=intake.topic, outcome=outcome).inc(grown)
