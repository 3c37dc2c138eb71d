"""The observer: applies events to subjects and series of one partition, and publishes signals and running totals."""

from collections.abc import Iterable
from typing import Any

import msgspec

from broker.bulk import Outgoing
from events.topics import (
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
from streams.detectors.repeat_offender import RepeatOffender
from streams.intake import Arrival, Intake
from streams.lane import Flush, Lane, Record
from streams.subjects import Subjects

_UNCOUNTED = frozenset({"not_evaluated", "filter_error"})
_FLAGGED = frozenset({"detected", "blocked", "masked"})
_SCORES = frozenset({"grounded_score", "quality_score"})


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
        self.subjects = Subjects(RepeatOffender(rules.detectors.repeat_offender, rules.care, policy.version))
        self.counts = Counts()
        self._judges = rules.detectors.repeat_offender.enabled
        self._touched: set[str] = set()
        self._marked: series.Watermark | None = None
        self._quiet_since: float | None = None

    def apply(self, topic: str, records: Iterable[Record]) -> None:
        """Apply a batch of one event topic."""
        intake = self.intakes[topic]
        before = msgspec.structs.astuple(intake.books)
        use = self._verdict if topic == FILTER_VERDICTS.name else _only_booked
        try:
            for arrival in intake.arrivals(records):
                use(arrival)
        finally:
            self._touched.add(topic)
            self._set_aside(intake)
            self.read_to(topic, intake.books.next_offset)
            _count(intake, before)

    def _verdict(self, arrival: Arrival) -> None:
        offset, at, verdict = arrival
        tenant, state = verdict.tenant, verdict.state
        if verdict.score is not None and verdict.score_kind in _SCORES:
            self._score(arrival)
        elif state not in _UNCOUNTED:
            name = f"{tenant}|{verdict.model}|{verdict.provider}|{verdict.provider_category}|{verdict.stage}"
            flagged, blocked = state in _FLAGGED, state == "blocked"
            self.counts.add(name, int(at // 60), offset=offset, flagged=flagged, blocked=blocked)
        if self._judges:
            for signal in self.subjects.apply(f"{tenant}|{verdict.subject}", offset, verdict):
                metrics.SIGNALS.labels(detector=signal.detector, level=signal.level).inc()
                self.emit(Outgoing(SIGNALS.name, signal.key.encode(), signal.model_dump_json().encode()))

    def _score(self, arrival: Arrival) -> None:
        verdict = arrival.event
        name = "|".join(
            (
                verdict.tenant,
                verdict.model,
                verdict.deployment or "-",
                verdict.provider_category,
                verdict.filter,
                verdict.filter_version or "-",
            )
        )
        score = series.SeriesScore(
            name,
            verdict.event_id,
            arrival.at,
            verdict.score,
            self.partition,
            arrival.offset,
        )
        self.emit(Outgoing(SERIES_SCORES.name, name.encode(), series.ENCODE(score)))

    def _set_aside(self, intake: Intake) -> None:
        for letter in intake.letters:
            metrics.DEAD_LETTERS.labels(topic=letter.topic, kind=letter.kind).inc()
            key = f"{letter.topic}|{letter.partition}|{letter.offset}".encode()
            self.emit(Outgoing(DEAD_LETTERS.name, key, msgspec.json.encode(letter)))
        intake.letters.clear()

    def publish(self, now: float) -> None:
        """Add the running totals, the watermark and the books to the outbox; `now` is monotonic seconds."""
        for count in self.counts.published(self.partition):
            self.emit(Outgoing(SERIES_COUNTS.name, count.series.encode(), series.ENCODE(count)))
        for topic in self._touched:
            books = self.intakes[topic].books
            self.emit(Outgoing(BOOKS.name, books.key, msgspec.json.encode(books), self.partition))
        self._publish_watermark(now)

    def _publish_watermark(self, now: float) -> None:
        intake = self.intakes[FILTER_VERDICTS.name]
        if FILTER_VERDICTS.name in self._touched or self._quiet_since is None:
            self._quiet_since = now
        idle = now - self._quiet_since > self._policy.policy.lateness.idle.total_seconds()
        mark = series.Watermark(self.partition, intake.watermark // 60 * 60, idle)
        nothing_to_say = intake.high == 0 and not idle
        if nothing_to_say or mark == self._marked:
            return
        self._marked = mark
        value = series.ENCODE(mark)
        for topic in (SERIES_COUNTS.name, SERIES_SCORES.name):
            for partition in range(self._partitions):
                self.emit(Outgoing(topic, f"~{self.partition}".encode(), value, partition))

    def drain(self, now: float) -> Flush:
        """As every lane, after publishing what has changed."""
        self.publish(now)
        return super().drain(now)

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """Subjects, then counts, then ids and positions: a cut-off flush leaves a prefix that replay completes."""
        if not self._touched:
            return []
        self.counts.forget_before(int(self.intakes[FILTER_VERDICTS.name].watermark // 60))
        records = [*self.subjects.changed(), *self.counts.changed()]
        for topic in self._touched:
            records.extend(self.intakes[topic].changed())
        self._touched.clear()
        metrics.KEYS.labels(agent=self.agent, kind="subjects").set(len(self.subjects))
        metrics.KEYS.labels(agent=self.agent, kind="counts").set(len(self.counts))
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Subjects (`s|`), counts (`c|`), ids (`i|`) and positions (`p|`)."""
        kind, rest = key[:2], key[2:]
        if kind == b"s|":
            self.subjects.restore(rest, value)
        elif kind == b"c|":
            self.counts.restore(rest, value)
        elif kind == b"i|":
            topic, minute, number = rest.decode().split("|")
            self.intakes[topic].restore_chunk(int(minute), int(number), value)
        elif kind == b"p|" and value is not None:
            self.intakes[rest.decode()].restore_position(value)

    def restored(self) -> None:
        """All state records are read."""
        for intake in self.intakes.values():
            intake.restored()


def _only_booked(arrival: Arrival) -> None:
    """Request logs, feedback and notices are validated and booked here; ClickHouse keeps them."""


def _count(intake: Intake, before: tuple[Any, ...]) -> None:
    after = msgspec.structs.astuple(intake.books)
    for index, outcome in enumerate(("applied", "late", "duplicate", "dead"), start=3):
        grown = after[index] - before[index]
        if grown:
            metrics.EVENTS.labels(topic=intake.topic, outcome=outcome).inc(grown)
