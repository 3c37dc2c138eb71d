"""The ledger: the append-only record of every decision, reversal, appeal step, incident step and notification."""

from datetime import datetime
from typing import Any, Literal

from alerts.appeal import Appeal, AppealState
from alerts.command import Command, SubjectCommand, command_key
from alerts.decision import Decision, Held, Lift
from alerts.errors import CommandRefused
from alerts.incident import Change, Incident
from alerts.record import Record, content_id
from events.event import Instant, Tenant

LedgerKind = Literal[
    "decision", "held", "lift", "appeal_opened", "appeal_claimed", "appeal_decided",
    "incident_opened", "incident_updated", "incident_acknowledged", "incident_resolved",
    "notification", "refused", "policy",
]  # fmt: skip

_APPEAL_STEPS: dict[AppealState, tuple[LedgerKind, str]] = {
    "open": ("appeal_opened", "{actor} asked for the decision to be reversed."),
    "claimed": ("appeal_claimed", "{actor} took the appeal."),
    "overturned": ("appeal_decided", "{actor} overturned the decision: {reason}"),
    "upheld": ("appeal_decided", "{actor} upheld the decision: {reason}"),
}
_INCIDENT_STEPS: dict[Change, LedgerKind] = {
    "opened": "incident_opened",
    "updated": "incident_updated",
    "acknowledged": "incident_acknowledged",
    "resolved": "incident_resolved",
}


class LedgerEntry(Record):
    """One act. The same act has the same id, so that a repetition is recognised."""

    id: str
    """`led_…`, a function of kind and what it is about."""
    kind: LedgerKind
    """What happened."""
    tenant: Tenant
    """The tenant."""
    key: str
    """`tenant|subject` or the series key."""
    at: Instant
    """Event time of the act."""
    actor: str
    """`watchfloor` or a person."""
    about: str
    """Id of the decision, appeal, incident or command."""
    command_id: str | None = None
    """The command that asked for it, where one did."""
    words: str
    """What happened and why, in one sentence."""
    detail: dict[str, Any]
    """The whole record (decision, held, appeal, incident, delivery) as JSON."""


def entry_of(act: Decision | Held) -> LedgerEntry:
    """What was concluded from a signal about a subject."""
    kind: LedgerKind = "decision" if isinstance(act, Decision) else "held"
    return LedgerEntry(
        id=content_id("led", kind, act.id),
        kind=kind,
        tenant=act.tenant,
        key=f"{act.tenant}|{act.subject}",
        at=act.at,
        actor="watchfloor",
        about=act.id,
        words=act.words,
        detail=act.model_dump(mode="json"),
    )


def entry_of_lift(lift: Lift, key: str, *, command_id: str | None = None) -> LedgerEntry:
    """A decision about the subject of `key` was undone, by a person's command or by Watchfloor."""
    return LedgerEntry(
        id=content_id("led", "lift", lift.id),
        kind="lift",
        tenant=key.partition("|")[0],
        key=key,
        at=lift.at,
        actor=lift.actor,
        about=lift.decision_id,
        command_id=command_id,
        words=f"{lift.actor} undid this decision: {lift.reason}",
        detail=lift.model_dump(mode="json"),
    )


def entry_of_appeal(appeal: Appeal, command: SubjectCommand, *, at: datetime) -> LedgerEntry:
    """An appeal took a step."""
    kind, words = _APPEAL_STEPS[appeal.state]
    return LedgerEntry(
        id=content_id("led", kind, appeal.id),
        kind=kind,
        tenant=appeal.tenant,
        key=command_key(command),
        at=at,
        actor=command.actor,
        about=appeal.id,
        command_id=command.id,
        words=words.format(actor=command.actor, reason=appeal.reason),
        detail=appeal.model_dump(mode="json"),
    )


def entry_of_incident(incident: Incident, *, command_id: str | None = None) -> LedgerEntry:
    """An incident changed; the last note of its timeline says how."""
    note = incident.timeline[-1]
    return LedgerEntry(
        id=content_id("led", "incident", incident.id, str(incident.revision)),
        kind=_INCIDENT_STEPS[note.what],
        tenant=incident.tenant,
        key=incident.series,
        at=note.at,
        actor=note.actor,
        about=incident.id,
        command_id=command_id,
        words=note.words,
        detail=incident.model_dump(mode="json"),
    )


def entry_of_refusal(command: Command, refusal: CommandRefused, *, at: datetime) -> LedgerEntry:
    """A command could not be carried out; `detail` holds its kind, the error's code and its fields."""
    return LedgerEntry(
        id=content_id("led", "refused", command.id),
        kind="refused",
        tenant=command.tenant,
        key=command_key(command),
        at=at,
        actor=command.actor,
        about=command.id,
        command_id=command.id,
        words=str(refusal),
        detail={"command": command.kind, "code": refusal.code, "fields": refusal.fields()},
    )
