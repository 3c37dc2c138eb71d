"""The notifier's lane: incidents in, due notifications and their results out. It sends nothing; the deliverer does."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from alerts.incident import Incident
from alerts.notify.delivery import Delivery
from alerts.notify.notification import Notification, NotifyState, due, settle, watch
from broker.bulk import Outgoing
from events.topics import INCIDENTS, LEDGER, NOTIFY_STATE
from policy import LoadedPolicy
from streams import metrics
from streams.lane import Lane, Record, Source


class NotifyLane(Lane):
    """One partition of incidents, and what each receiver knows of them."""

    agent = "notify"
    state_topic = NOTIFY_STATE.name

    def __init__(self, partition: int, *, policy: LoadedPolicy) -> None:
        super().__init__(partition)
        self._receivers = policy.policy.receivers
        self._states: dict[str, NotifyState] = {}
        self._dirty: set[str] = set()

    def apply(self, topic: str, records: Iterable[Record]) -> None:
        """Take in a batch of incident revisions; an old or repeated one changes nothing."""
        start = self.position.get(Source(topic, self.partition), 0)
        last = start - 1
        for record in records:
            last = record.offset
            if last >= start and record.value is not None:
                self._watch(
                    Incident.model_validate_json(record.value), datetime.fromtimestamp(record.timestamp / 1000, UTC)
                )
        self.read_to(topic, max(start, last + 1))

    def _watch(self, incident: Incident, now: datetime) -> None:
        for receiver in self._receivers:
            key = f"{incident.id}|{receiver.name}"
            known = self._states.get(key)
            if known or incident.state != "resolved":  # else it was told and forgotten, and is now read again
                self._keep(key, watch(known, incident, receiver=receiver, now=now))

    def due(self, now: datetime) -> Iterator[tuple[str, Notification]]:
        """What to send now, with the key to settle it by."""
        for key, state in self._states.items():
            notification = due(state, now=now)
            if notification:
                yield key, notification

    def settle(self, key: str, sent: Notification, *, delivery: Delivery, now: datetime) -> None:
        """Record what became of an attempt, unless the lane knows nothing of it."""
        known = self._states.get(key)
        if known is None:
            return
        state, entry = settle(known, sent, delivery=delivery, now=now)
        self._keep(key, state)
        metrics.DELIVERIES.labels(outcome=type(delivery).__name__.lower()).inc()
        if entry:
            self.emit(Outgoing(LEDGER.name, entry.key.encode(), entry.model_dump_json().encode()))

    def _keep(self, key: str, state: NotifyState) -> None:
        self._states[key] = state
        self._dirty.add(key)

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """What receivers know, then the position. What is told and over is forgotten."""
        records: list[tuple[bytes, bytes | None]] = []
        for key in sorted(self._dirty):
            state = self._states[key]
            over = state.incident.state == "resolved" and state.next_at is None
            if over:
                del self._states[key]
            records.append((b"n|" + key.encode(), None if over else state.model_dump_json().encode()))
        self._dirty.clear()
        source = Source(INCIDENTS.name, self.partition)
        if source in self.outbox.offsets:
            records.append((f"p|{source.topic}".encode(), msgspec.msgpack.encode(self.position[source])))
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """States (`n|`) and the position (`p|`)."""
        kind, rest = key[:2], key[2:].decode()
        if kind == b"p|" and value is not None:
            self.position[Source(rest, self.partition)] = msgspec.msgpack.decode(value, type=int)
        elif kind == b"n|" and value is None:
            self._states.pop(rest, None)
        elif kind == b"n|" and value is not None:
            self._states[rest] = NotifyState.model_validate_json(value)
