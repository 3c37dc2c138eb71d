"""What people ask for and cannot have now, and what a receiver's setup lacks; errors carry fields, not HTTP codes.

AlertsError
├── CommandRefused                 a command that cannot be carried out; becomes a ledger entry `refused`
│   ├── DecisionNotFound           no such decision of this subject is kept
│   ├── DecisionAlreadyLifted      it was undone before
│   ├── AppealWindowClosed         the time to appeal it is over
│   ├── AlreadyAppealed            a decision is appealed at most once
│   ├── TooManyOpenAppeals         so many appeals of this subject wait for a reviewer
│   ├── AppealNotFound             no such appeal of this subject is kept
│   ├── AppealNotOpen              it is claimed or decided
│   ├── AppealNotClaimed           it is still open, or decided
│   ├── ReviewerIsDecider          who made a decision may not review it
│   ├── NotTheReviewer             somebody else claimed it
│   ├── ActorNotAllowed            neither the subject nor Watchfloor itself may do this
│   ├── IncidentNotFound           no such incident of this series is kept
│   ├── IncidentAlreadyAcknowledged  somebody has it already
│   └── IncidentAlreadyResolved    it is over
└── SecretRefused                  a webhook's secret file is missing, short, or readable by everybody
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal


@dataclass(eq=False)
class AlertsError(Exception):
    """Root of the errors of this package. `code` is for programs, `str()` for people."""

    code: ClassVar[str]
    sentence: ClassVar[str]

    def fields(self) -> dict[str, str]:
        """What the error is about, as text."""
        return {name: str(value) for name, value in asdict(self).items()}

    def __str__(self) -> str:
        return self.sentence.format(**asdict(self))


@dataclass(eq=False)
class CommandRefused(AlertsError):
    """A command that cannot be carried out in the present state."""


@dataclass(eq=False)
class DecisionNotFound(CommandRefused):
    """No such decision of this subject is kept."""

    decision_id: str
    code = "decision_not_found"
    sentence = "no decision {decision_id} of this subject is kept"


@dataclass(eq=False)
class DecisionAlreadyLifted(CommandRefused):
    """It was undone before, by `lift_id`."""

    decision_id: str
    lift_id: str
    code = "decision_already_lifted"
    sentence = "decision {decision_id} was already undone by {lift_id}"


@dataclass(eq=False)
class AppealWindowClosed(CommandRefused):
    """The time to appeal it ended at `closed_at`."""

    decision_id: str
    closed_at: datetime
    code = "appeal_window_closed"
    sentence = "decision {decision_id} could be appealed until {closed_at:%Y-%m-%d %H:%M} UTC"


@dataclass(eq=False)
class AlreadyAppealed(CommandRefused):
    """A decision is appealed at most once."""

    decision_id: str
    appeal_id: str
    code = "already_appealed"
    sentence = "decision {decision_id} was already appealed in {appeal_id}"


@dataclass(eq=False)
class TooManyOpenAppeals(CommandRefused):
    """So many appeals of this subject wait for a reviewer."""

    waiting: int
    code = "too_many_open_appeals"
    sentence = "{waiting} appeals of this subject still wait for a reviewer"


@dataclass(eq=False)
class AppealNotFound(CommandRefused):
    """No such appeal of this subject is kept."""

    appeal_id: str
    code = "appeal_not_found"
    sentence = "no appeal {appeal_id} of this subject is kept"


@dataclass(eq=False)
class AppealNotOpen(CommandRefused):
    """Only an open appeal can be claimed."""

    appeal_id: str
    state: str
    code = "appeal_not_open"
    sentence = "appeal {appeal_id} is {state}, not open"


@dataclass(eq=False)
class AppealNotClaimed(CommandRefused):
    """Only a claimed appeal can be decided."""

    appeal_id: str
    state: str
    code = "appeal_not_claimed"
    sentence = "appeal {appeal_id} is {state}, not claimed"


@dataclass(eq=False)
class ReviewerIsDecider(CommandRefused):
    """Who made a decision may not review it."""

    appeal_id: str
    reviewer: str
    code = "reviewer_is_decider"
    sentence = "{reviewer} made the decision behind appeal {appeal_id} and may not review it"


@dataclass(eq=False)
class NotTheReviewer(CommandRefused):
    """Somebody else claimed it."""

    appeal_id: str
    reviewer: str
    code = "not_the_reviewer"
    sentence = "appeal {appeal_id} was claimed by {reviewer}"


@dataclass(eq=False)
class ActorNotAllowed(CommandRefused):
    """Neither the subject nor Watchfloor itself may do this."""

    actor: str
    code = "actor_not_allowed"
    sentence = "{actor} may not do this: it takes a person other than the subject"


@dataclass(eq=False)
class IncidentNotFound(CommandRefused):
    """No such incident of this series is kept."""

    incident_id: str
    code = "incident_not_found"
    sentence = "no incident {incident_id} of this series is kept"


@dataclass(eq=False)
class IncidentAlreadyAcknowledged(CommandRefused):
    """Somebody has it already."""

    incident_id: str
    owner: str
    code = "incident_already_acknowledged"
    sentence = "incident {incident_id} was acknowledged by {owner}"


@dataclass(eq=False)
class IncidentAlreadyResolved(CommandRefused):
    """It is over; a new signal opens a new one."""

    incident_id: str
    code = "incident_already_resolved"
    sentence = "incident {incident_id} is resolved"


@dataclass(eq=False)
class SecretRefused(AlertsError):
    """A webhook's secret cannot be used."""

    path: Path
    reason: Literal["missing", "short", "world_readable"]
    code = "secret_refused"
    sentence = "the secret file {path} is refused: {reason}"
