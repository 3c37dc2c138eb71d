"""What a gateway is told about a subject: the standing now, why, and what to do without us. It decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from alerts.enforcement import STANDINGS, Enforcement, Standing
from api.views import EnforcementView
from events.event import Instant, Pseudonym, Tenant
from events.formats.envelope import RawIdentifier
from events.pseudonym import Kind, Pseudonymiser

FailMode = Literal["open", "closed"]
IdKind = Literal["subject", "user", "session", "api_key"]
"""What names somebody: a pseudonym, or one of the ids that applications use themselves."""


class Who(BaseModel):
    """A subject, session or API key: by its pseudonym, or by the application's own id, pseudonymised on arrival."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    tenant: Tenant
    """The tenant."""
    subject: Pseudonym | None = None
    """A pseudonym, of whatever kind."""
    user: RawIdentifier | None = None
    """The end user as the application knows them."""
    session: RawIdentifier | None = None
    """The session, as it was sent with its events."""
    api_key: RawIdentifier | None = None
    """The name or hash of the credential, as it was sent with its events."""

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if sum(name is not None for name in (self.subject, self.user, self.session, self.api_key)) != 1:
            raise ValueError("give one of subject, user, session and api_key")
        return self

    def pseudonyms(self, pseudonymiser: Pseudonymiser) -> tuple[str, ...]:
        """Every pseudonym that this may be stored under, the current key's first."""
        raw: dict[Kind, str | None] = {"subject": self.user, "session": self.session, "api_key": self.api_key}
        for kind, name in raw.items():
            if name is not None:
                return pseudonymiser.candidates(self.tenant, kind, name)
        return (self.subject or "",)


class StandingOut(BaseModel):
    """What a gateway acts on. A measure ends at `until` by itself: no further change is sent for that."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    tenant: Tenant
    """The tenant."""
    subject: Pseudonym
    """The pseudonym that the standing is kept under: a subject's, a session's or an API key's."""
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
