"""An appeal: a subject's request to reverse one decision, and the only transitions it may make."""

from datetime import datetime
from typing import Literal

from alerts.command import ClaimAppeal, DecideAppeal, OpenAppeal
from alerts.decision import Decision
from alerts.errors import (
    ActorNotAllowed,
    AppealNotClaimed,
    AppealNotOpen,
    AppealWindowClosed,
    NotTheReviewer,
    ReviewerIsDecider,
)
from alerts.record import Record, content_id
from events.event import Instant, Pseudonym, Tenant
from policy.policy import Appeals

NOT_REVIEWERS = frozenset({"subject", "watchfloor"})
"""Actors that are no person of the operator; neither reviews an appeal or lifts a decision."""

AppealState = Literal["open", "claimed", "overturned", "upheld"]


class Appeal(Record):
    """One appeal against one decision; at most one per decision."""

    id: str
    """`app_…`, a function of the decision."""
    tenant: Tenant
    """The tenant."""
    subject: Pseudonym
    """The subject."""
    decision_id: str
    """The decision appealed."""
    decider: str
    """Who made that decision; may not decide the appeal."""
    state: AppealState
    """open → claimed → overturned or upheld."""
    statement: str
    """The person's words."""
    opened_at: Instant
    """When it was opened."""
    due_at: Instant
    """When a reviewer should have decided."""
    reviewer: str | None = None
    """Who claimed it."""
    claimed_at: Instant | None = None
    """When it was claimed."""
    decided_at: Instant | None = None
    """When it was decided."""
    reason: str | None = None
    """The reviewer's reason."""

    @property
    def undecided(self) -> bool:
        """Whether it waits for a reviewer or a reviewer's decision."""
        return self.state in ("open", "claimed")


def open_appeal(decision: Decision, command: OpenAppeal, *, rules: Appeals, now: datetime) -> Appeal:
    """The appeal against `decision`, open from `now`. Raises AppealWindowClosed."""
    closed_at = decision.at + rules.window
    if now > closed_at:
        raise AppealWindowClosed(decision.id, closed_at)
    return Appeal(
        id=content_id("app", decision.id),
        tenant=decision.tenant,
        subject=decision.subject,
        decision_id=decision.id,
        decider=decision.decider,
        state="open",
        statement=command.statement,
        opened_at=now,
        due_at=now + rules.due,
    )


def transition(appeal: Appeal, action: ClaimAppeal | DecideAppeal, *, now: datetime) -> Appeal:
    """The appeal after a reviewer's act; a guard that objects raises its CommandRefused."""
    if action.actor == appeal.decider:
        raise ReviewerIsDecider(appeal.id, action.actor)
    if action.actor in NOT_REVIEWERS:
        raise ActorNotAllowed(action.actor)
    if isinstance(action, ClaimAppeal):
        return _claimed(appeal, action, now=now)
    return _decided(appeal, action, now=now)


def _claimed(appeal: Appeal, action: ClaimAppeal, *, now: datetime) -> Appeal:
    if appeal.state != "open":
        raise AppealNotOpen(appeal.id, appeal.state)
    return appeal.replace(state="claimed", reviewer=action.actor, claimed_at=now)


def _decided(appeal: Appeal, action: DecideAppeal, *, now: datetime) -> Appeal:
    if appeal.state != "claimed" or appeal.reviewer is None:
        raise AppealNotClaimed(appeal.id, appeal.state)
    if action.actor != appeal.reviewer:
        raise NotTheReviewer(appeal.id, appeal.reviewer)
    return appeal.replace(state=action.outcome, decided_at=now, reason=action.reason)
