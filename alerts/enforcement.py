"""The state of a subject that gateways ask for: computed from the decisions in force, never set by hand."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from alerts.decision import Decision
from alerts.record import Record
from events.event import Instant, Pseudonym, Tenant

Standing = Literal["allowed", "warned", "throttled", "suspended", "banned"]
STANDINGS: tuple[Standing, ...] = ("allowed", "warned", "throttled", "suspended", "banned")
_OF_MEASURE: dict[str, Standing] = {"warn": "warned", "throttle": "throttled", "suspend": "suspended", "ban": "banned"}


class Measured(Record):
    """One decision in force, as a gateway sees it."""

    decision_id: str
    """The decision; its reasons are at `/v1/decisions/{id}`."""
    standing: Standing
    """What it puts the subject into."""
    until: Instant | None
    """When it ends by itself; null: until lifted."""
    message: str
    """What the application may show the person."""


class Enforcement(Record):
    """Every measure in force against one subject. `standing(now)` is what a gateway acts on."""

    tenant: Tenant
    """The tenant."""
    subject: Pseudonym
    """The subject."""
    measures: tuple[Measured, ...] = ()
    """Unlifted decisions, oldest first; expired ones drop out at the next change."""
    at: Instant
    """Event time of the last change."""
    revision: int
    """Grows by one per change of this subject."""

    def in_force(self, now: datetime) -> Measured | None:
        """The gravest measure that has not ended at `now`, or None when the subject is allowed."""
        live = [measure for measure in self.measures if measure.until is None or measure.until > now]
        return max(live, key=lambda measure: STANDINGS.index(measure.standing), default=None)

    def standing(self, now: datetime) -> Standing:
        """`allowed` unless a measure is in force."""
        measure = self.in_force(now)
        return measure.standing if measure else "allowed"


def measured(decisions: Iterable[Decision]) -> tuple[Measured, ...]:
    """The gateway's view of decisions."""
    return tuple(
        Measured(decision_id=one.id, standing=_OF_MEASURE[one.measure], until=one.until, message=one.message)
        for one in decisions
    )
