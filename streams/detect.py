"""The series detectors' lane: totals and scores of series in, spike and drift signals out."""

from collections.abc import Iterable

import msgspec

from alerts.signal import Signal
from broker.bulk import Outgoing
from events.topics import DETECT_STATE, SERIES_COUNTS, SERIES_SCORES, SIGNALS
from policy import LoadedPolicy
from streams import metrics, series
from streams.detectors.category_spike import CategorySpike
from streams.detectors.groundedness_drift import GroundednessDrift
from streams.drifts import Drifts
from streams.lane import Lane, Record, Source
from streams.spikes import Spikes


class DetectLane(Lane):
    """One partition of the series topics."""

    agent = "detect"
    state_topic = DETECT_STATE.name

    def __init__(self, partition: int, *, policy: LoadedPolicy, partitions: int) -> None:
        super().__init__(partition)
        detectors = policy.policy.detectors
        spike = CategorySpike(detectors.category_spike, policy.version)
        minutes = max(1, int(detectors.category_spike.step.total_seconds() // 60))
        self.spikes = Spikes(spike, step_minutes=minutes, partitions=partitions)
        self.drifts = Drifts(GroundednessDrift(detectors.groundedness_drift, policy.version))
        self._enabled = {
            SERIES_COUNTS.name: detectors.category_spike.enabled,
            SERIES_SCORES.name: detectors.groundedness_drift.enabled,
        }
        self._marks = {name: series.Watermarks({}, awaited=partitions) for name in self._enabled}
        self._dirty = False

    def apply(self, topic: str, records: Iterable[Record]) -> None:
        """Apply a batch of one series topic, then judge what changed."""
        start = self.position.get(Source(topic, self.partition), 0)
        last = start - 1
        for record in records:
            last = record.offset
            if last >= start and record.value is not None:
                self._take(topic, series.DECODE(record.value))
        self.read_to(topic, max(start, last + 1))
        self._dirty = True
        if self._enabled[topic]:
            judge = self.spikes.judge if topic == SERIES_COUNTS.name else self.drifts.judge
            self._signal(judge(self._marks[topic].at))

    def _take(self, topic: str, published: series.Published) -> None:
        if isinstance(published, series.Watermark):
            self._marks[topic].advance(published)
        elif not self._enabled[topic]:
            return
        elif isinstance(published, series.SeriesCount):
            self.spikes.count(published)
        else:
            self.drifts.score(published)

    def _signal(self, signals: Iterable[Signal]) -> None:
        for signal in signals:
            metrics.SIGNALS.labels(detector=signal.detector, level=signal.level).inc()
            self.emit(Outgoing(SIGNALS.name, signal.key.encode(), signal.model_dump_json().encode()))

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """Series, then watermarks and positions."""
        if not self._dirty:
            return []
        records = [*self.spikes.changed(), *self.drifts.changed()]
        for topic, marks in self._marks.items():
            at = self.position.get(Source(topic, self.partition), 0)
            records.append((f"p|{topic}".encode(), msgspec.msgpack.encode((at, marks))))
        self._dirty = False
        metrics.KEYS.labels(agent=self.agent, kind="series").set(len(self.spikes) + len(self.drifts))
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Spikes (`n|`), drifts (`d|`) and positions with watermarks (`p|`)."""
        kind, rest = key[:2], key[2:]
        if kind == b"n|":
            self.spikes.restore(rest, value)
        elif kind == b"d|":
            self.drifts.restore(rest, value)
        elif kind == b"p|" and value is not None:
            topic = rest.decode()
            at, self._marks[topic] = msgspec.msgpack.decode(value, type=tuple[int, series.Watermarks])
            self.position[Source(topic, self.partition)] = at
