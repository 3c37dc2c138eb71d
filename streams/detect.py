"""The detect lane: what observers publish about series, filters, keys, links and activity in, signals out."""

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from alerts.signal import Signal
from broker.bulk import Outgoing
from broker.progress import Progress
from events.topics import DETECT_STATE, SERIES_COUNTS, SERIES_SCORES, SIGNALS
from policy import LoadedPolicy
from streams import metrics, series
from streams.detectors.category_spike import CategorySpike
from streams.detectors.groundedness_drift import GroundednessDrift
from streams.drifts import Drifts
from streams.lane import Flush, Lane, Record, Source
from streams.spikes import Spikes
from streams.watches import Watches

_LOOK_EVERY = 0.5
"""Seconds between two looks at steps that are still open."""


class DetectLane(Lane):
    """One partition of the series topics."""

    agent = "detect"
    state_topic = DETECT_STATE.name

    def __init__(self, partition: int, *, policy: LoadedPolicy, partitions: int) -> None:
        super().__init__(partition)
        detectors = policy.policy.detectors
        self.spikes = Spikes(CategorySpike(detectors.category_spike, policy.version), partitions=partitions)
        self.drifts = Drifts(GroundednessDrift(detectors.groundedness_drift, policy.version))
        self.watches = Watches(policy, partitions=partitions)
        self._spikes_enabled = detectors.category_spike.enabled
        self._drifts_enabled = detectors.groundedness_drift.enabled
        self._marks = {
            name: series.Watermarks({}, awaited=partitions) for name in (SERIES_COUNTS.name, SERIES_SCORES.name)
        }
        self._restorers: dict[bytes, Callable[[bytes, bytes | None], None]] = {
            b"n|": self.spikes.restore,
            b"d|": self.drifts.restore,
            **self.watches.restorers(),
        }
        self._dirty = False
        self._now, self._looked = 0.0, -_LOOK_EVERY

    def apply(self, topic: str, records: Iterable[Record]) -> None:
        """Apply a batch of one series topic, then judge what changed."""
        start = self.position.get(Source(topic, self.partition), 0)
        last = start - 1
        for record in records:
            last = record.offset
            if last >= start and record.value is not None:
                self._take(topic, last, record.value)
        self.read_to(topic, max(start, last + 1))
        self._dirty = True
        if topic == SERIES_COUNTS.name:
            marks = self._marks[topic]
            if self._spikes_enabled:
                self._signal(self.spikes.judge(marks.at, early=self._early()))
            self._signal(self.watches.judge(marks.at, quiet_at=marks.quiet_at))
        elif self._drifts_enabled:
            self._signal(self.drifts.judge(self._marks[topic].at))

    def _take(self, topic: str, offset: int, value: bytes) -> None:
        match series.DECODE(value):
            case series.Watermark() as mark:
                self._marks[topic].advance(mark)
            case series.SeriesCount() as count if self._spikes_enabled:
                self.spikes.count(count)
            case series.SeriesScore() as score if self._drifts_enabled:
                self.drifts.score(score)
            case series.Tally() | series.LinkEvidence() | Progress() as told:
                self._signal(self.watches.take(offset, told))
            case series.NewBaseline() as told:
                self.watches.baselines.take(told.json.encode())
            case _:
                pass

    def _early(self) -> Literal["look", "wait"]:
        if self._now - self._looked < _LOOK_EVERY:
            return "wait"
        self._looked = self._now
        return "look"

    def drain(self, now: float, *, clock: float = 0.0) -> Flush:
        """As every lane, after a look at open steps if one is due: nothing else may come that asks for it."""
        self._now = now
        if self._spikes_enabled and self._early() == "look":
            self._signal(self.spikes.judge(self._marks[SERIES_COUNTS.name].at))
            self._dirty = self._dirty or bool(self.outbox.outputs)
        return super().drain(now, clock=clock)

    def _signal(self, signals: Iterable[Signal]) -> None:
        for signal in signals:
            metrics.SIGNALS.labels(detector=signal.detector, level=signal.level).inc()
            self.emit(Outgoing(SIGNALS.name, signal.key.encode(), signal.model_dump_json().encode()))

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """Series and watches, then watermarks and positions."""
        if not self._dirty:
            return []
        records = [*self.spikes.changed(), *self.drifts.changed(), *self.watches.changed()]
        for topic, marks in self._marks.items():
            at = self.position.get(Source(topic, self.partition), 0)
            records.append((f"p|{topic}".encode(), msgspec.msgpack.encode((at, marks))))
        self._dirty = False
        metrics.KEYS.labels(agent=self.agent, kind="series").set(len(self.spikes) + len(self.drifts))
        metrics.KEYS.labels(agent=self.agent, kind="watches").set(len(self.watches))
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Spikes (`n|`), drifts (`d|`), watches, and positions with watermarks (`p|`)."""
        kind, rest = key[:2], key[2:]
        if kind == b"p|" and value is not None:
            topic = rest.decode()
            at, self._marks[topic] = msgspec.msgpack.decode(value, type=tuple[int, series.Watermarks])
            self.position[Source(topic, self.partition)] = at
        elif take := self._restorers.get(kind):
            take(rest, value)
