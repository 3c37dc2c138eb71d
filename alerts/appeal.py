"""An appeal: a subject's request to reverse one decision, and the only transitions it may make."""

from typing import Literal

from alerts.record import Record
from events.event import Instant, Pseudonym, Tenant

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
