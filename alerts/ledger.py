"""The ledger: the append-only record of every decision, reversal, appeal step, incident step and notification."""

from typing import Any, Literal

from alerts.record import Record
from events.event import Instant, Tenant

LedgerKind = Literal[
    "decision", "held", "lift", "appeal_opened", "appeal_claimed", "appeal_decided",
    "incident_opened", "incident_updated", "incident_acknowledged", "incident_resolved",
    "notification", "refused", "policy",
]  # fmt: skip


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
