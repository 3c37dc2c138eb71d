"""What people ask Watchfloor to do; sent by the API, carried out by the one writer of the subject or incident."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from alerts.record import Record
from events.event import Instant, Pseudonym, Tenant

Text = Annotated[str, Field(min_length=1, max_length=2000)]


class _Command(Record):
    id: str
    """`cmd_…`; a repeated id is carried out once."""
    tenant: Tenant
    """The tenant."""
    at: Instant
    """When the person asked."""
    actor: str
    """Who asked: a token's name, or `subject` for the affected person."""


class OpenAppeal(_Command):
    """The subject asks for one decision to be reversed."""

    kind: Literal["open_appeal"] = "open_appeal"
    subject: Pseudonym
    decision_id: str
    statement: Text
    """Why the decision is wrong, in the person's words."""


class ClaimAppeal(_Command):
    """A reviewer takes an open appeal."""

    kind: Literal["claim_appeal"] = "claim_appeal"
    subject: Pseudonym
    appeal_id: str


class DecideAppeal(_Command):
    """The reviewer overturns or upholds the decision, with a reason."""

    kind: Literal["decide_appeal"] = "decide_appeal"
    subject: Pseudonym
    appeal_id: str
    outcome: Literal["overturned", "upheld"]
    reason: Text


class LiftDecision(_Command):
    """A human undoes one decision without an appeal."""

    kind: Literal["lift_decision"] = "lift_decision"
    subject: Pseudonym
    decision_id: str
    reason: Text


class AcknowledgeIncident(_Command):
    """Somebody works on the incident."""

    kind: Literal["acknowledge_incident"] = "acknowledge_incident"
    incident_id: str
    series: str


class ResolveIncident(_Command):
    """The abnormality is over, or explained."""

    kind: Literal["resolve_incident"] = "resolve_incident"
    incident_id: str
    series: str
    note: Text


SubjectCommand = OpenAppeal | ClaimAppeal | DecideAppeal | LiftDecision
IncidentCommand = AcknowledgeIncident | ResolveIncident
Command = Annotated[SubjectCommand | IncidentCommand, Field(discriminator="kind")]
COMMAND: TypeAdapter[Command] = TypeAdapter(Command)


def command_key(command: Command) -> str:
    """The Kafka key: the subject's or the series', so that commands meet their one writer."""
    if isinstance(command, AcknowledgeIncident | ResolveIncident):
        return command.series
    return f"{command.tenant}|{command.subject}"
