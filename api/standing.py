"""What a gateway is told about a subject: the standing now, why, and what to do without us. It decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.enforcement import STANDINGS, Enforcement, Standing
from api.views import EnforcementView
from events.event import Instant, Pseudonym, Tenant
from events.pseudonym import Pseudonymiser

FailMode = Literal["open", "closed"]


class Who(BaseModel):
    """A subject by pseudonym, or a user by the application's own id, which is pseudonymised on arrival."""

    model_config = ConfigDict(extra="forbid")

    tenant: Tenant
    subject: Pseudonym | None = None
    user: str | None = Field(default=None, min_length=1, max_length=512)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.subject is None) == (self.user is None):
            raise ValueError("give either subject or user")
        return self

    def pseudonyms(self, pseudonymiser: Pseudonymiser) -> tuple[str, ...]:
        """Every pseudonym that this person may be stored under, the current key's first."""
        if self.user is None:
            return (self.subject or "",)
        return pseudonymiser.candidates(self.tenant, "subject", self.user)


class StandingOut(BaseModel):
    """What a gateway acts on. A measure ends at `until` by itself: no further change is sent for that."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    tenant: Tenant
    """The tenant."""
    subject: Pseudonym
    """The subject."""
    standing: Standing
    """The gravest measure in force."""
    until: Instant | None
    """When it ends; null: until lifted, or nothing is in force."""
    message: str | None
    """What the application may show the person."""
    decisions: list[str]
    """Ids of every decision in force; their reasons are at `/v1/decisions/{id}`."""
    revision: int
    """Grows by one per change of this subject; 0 when nothing was ever decided."""
    fail_mode: FailMode
    """What to do with the subject when Watchfloor cannot be reached."""
    as_of: Instant
    """When this was worked out."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Answers from memory, at one moment."""

    view: EnforcementView
    pseudonymiser: Pseudonymiser
    fail_mode: FailMode
    now: datetime

    def one(self, who: Who) -> StandingOut:
        """The standing; with several pseudonyms, after a change of keys, the gravest."""
        found = [self.of(who.tenant, subject) for subject in who.pseudonyms(self.pseudonymiser)]
        return max(found, key=lambda answer: STANDINGS.index(answer.standing))

    def many(self, people: Sequence[Who]) -> list[StandingOut]:
        """One answer per person, in order."""
        return [self.one(who) for who in people]

    def of(self, tenant: str, subject: str) -> StandingOut:
        """The standing of a stored subject."""
        return self.told(self.view.get(tenant, subject) or _never(tenant, subject, self.now))

    def told(self, enforcement: Enforcement) -> StandingOut:
        """An enforcement as gateways are told it."""
        measure = enforcement.in_force(self.now)
        live = [one for one in enforcement.measures if one.until is None or one.until > self.now]
        return StandingOut(
            tenant=enforcement.tenant,
            subject=enforcement.subject,
            standing=enforcement.standing(self.now),
            until=measure.until if measure else None,
            message=measure.message if measure else None,
            decisions=[one.decision_id for one in live],
            revision=enforcement.revision,
            fail_mode=self.fail_mode,
            as_of=self.now,
        )


def _never(tenant: str, subject: str, now: datetime) -> Enforcement:
    return Enforcement(tenant=tenant, subject=subject, at=now, revision=0)
