"""One delivery of an incident to one receiver, and when the next is due. Pure; receivers do the sending."""

from datetime import datetime, timedelta
from typing import NamedTuple

from alerts.incident import Change, Incident, IncidentNote
from alerts.ledger import LedgerEntry
from alerts.notify.delivery import Delivered, Delivery, Rejected, Retry
from alerts.record import Record, content_id
from events.event import Instant
from policy.policy import Webhook


class Notification(Record):
    """What a receiver gets: the whole incident, and what changed since it was last told. Retries repeat it exactly."""

    id: str
    """`ntf_…`, a function of incident, revision and receiver: receivers drop a repeated id."""
    receiver: str
    """The receiver's name."""
    revision: int
    """The incident's revision; a smaller one that comes later is old news."""
    changes: tuple[IncidentNote, ...]
    """What happened since the receiver was last told, oldest first; only kinds that it asked for."""
    incident: Incident
    """The incident as it is."""


class Patience(NamedTuple):
    """How long an unwell receiver is tried: `first`, doubled each time up to `longest`, `attempts` times."""

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=30)
    attempts: int = 16

    def wait(self, delivery: Retry, *, attempt: int) -> timedelta:
        """How long to wait after failed attempt number `attempt` (from 1); the receiver may ask for more."""
        backoff = min(self.first * (1 << min(attempt - 1, 20)), self.longest)
        return max(backoff, min(delivery.after or timedelta(), self.longest))


PATIENCE = Patience()
"""Gives an incident up after some four hours."""


class NotifyState(Record):
    """What one receiver knows about one incident, and when to try again. Its JSON is the notifier's state."""

    receiver: str
    """The receiver's name."""
    on: tuple[Change, ...]
    """Kinds of change that it asked for."""
    incident: Incident
    """The incident as last seen."""
    told: int = 0
    """The revision up to which nothing is left to tell."""
    attempts: int = 0
    """Failed attempts in a row."""
    next_at: Instant | None = None
    """Earliest time of the next attempt; null: nothing to tell."""

    def news(self) -> tuple[IncidentNote, ...]:
        """What the receiver asked for and was not told; each revision wrote one note."""
        unseen = self.incident.revision - self.told
        notes = self.incident.timeline[-unseen:] if unseen > 0 else ()
        return tuple(note for note in notes if note.what in self.on)


class Settled(NamedTuple):
    """The state after an attempt, and the ledger entry where the attempt was the last."""

    state: NotifyState
    entry: LedgerEntry | None


def watch(state: NotifyState | None, incident: Incident, *, receiver: Webhook, now: datetime) -> NotifyState:
    """Take in an incident's revision. An old or repeated one changes nothing; news waits out a running backoff."""
    if state is None:
        state = NotifyState(receiver=receiver.name, on=receiver.on, incident=incident)
    elif incident.revision <= state.incident.revision:
        return state
    known = len(state.news()) if state.next_at else 0
    state = state.replace(incident=incident, on=receiver.on)
    if len(state.news()) <= known:
        return state
    return state.replace(attempts=0, next_at=max(state.next_at or now, now))


def due(state: NotifyState, *, now: datetime) -> Notification | None:
    """What to send now, if anything."""
    if state.next_at is None or state.next_at > now:
        return None
    return Notification(
        id=content_id("ntf", state.incident.id, str(state.incident.revision), state.receiver),
        receiver=state.receiver,
        revision=state.incident.revision,
        changes=state.news(),
        incident=state.incident,
    )


def settle(
    state: NotifyState, sent: Notification, *, delivery: Delivery, now: datetime, patience: Patience = PATIENCE
) -> Settled:
    """The state after an attempt to send `sent`; news that came in meanwhile stays due."""
    attempt = state.attempts + 1
    if isinstance(delivery, Retry):
        if attempt < patience.attempts:
            later = now + patience.wait(delivery, attempt=attempt)
            return Settled(state.replace(attempts=attempt, next_at=later), None)
        delivery = Rejected(f"gave_up:{delivery.reason}")
    state = state.replace(told=max(state.told, sent.revision), attempts=0)
    state = state.replace(next_at=now if state.news() else None)
    return Settled(state, entry_of_delivery(sent, delivery, at=now))


def entry_of_delivery(sent: Notification, delivery: Delivered | Rejected, *, at: datetime) -> LedgerEntry:
    """A receiver has been told, or never will be."""
    if isinstance(delivery, Delivered):
        words, result = f"{sent.receiver} was told of revision {sent.revision}.", {"result": "delivered"}
    else:
        words = f"{sent.receiver} was not told of revision {sent.revision}: {delivery.reason}."
        result = {"result": "rejected", "reason": delivery.reason}
    return LedgerEntry(
        id=content_id("led", "notification", sent.id),
        kind="notification",
        tenant=sent.incident.tenant,
        key=sent.incident.series,
        at=at,
        actor="watchfloor",
        about=sent.incident.id,
        words=words,
        detail={"notification_id": sent.id, "receiver": sent.receiver, "revision": sent.revision, **result},
    )
