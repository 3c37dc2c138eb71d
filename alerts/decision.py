"""What Watchfloor concludes from a signal about a subject, with its reason and its registered inverse."""

from typing import Literal

from alerts.record import Record, content_id
from alerts.signal import FourNumbers, Statistic
from events import Category
from events.event import EventId, Instant, Pseudonym, Tenant

Measure = Literal["warn", "throttle", "suspend", "ban"]

MEASURES: tuple[Measure, ...] = ("warn", "throttle", "suspend", "ban")
"""From the mildest to the gravest."""

HeldReason = Literal[
    "mode_observe", "mode_review", "exempt", "care_category", "injected_content",
    "filter_fault", "already_covered", "quota", "no_step", "needs_human",
]  # fmt: skip


class Decision(Record):
    """A measure against one subject. `id` is a hash of signal and ladder step; `inverse` names what undoes it."""

    id: str
    """`dec_…`, a function of content."""
    signal_id: str
    """The signal that it follows from."""
    tenant: Tenant
    """The tenant."""
    subject: Pseudonym
    """The subject concerned."""
    measure: Measure
    """What happens."""
    step: int
    """Index of the ladder step, from 0."""
    at: Instant
    """Event time; the measure holds from here."""
    until: Instant | None
    """End of the measure; null: until lifted."""
    decider: str
    """`watchfloor` or the person who decided."""
    detector: str
    """The detector behind the signal."""
    categories: tuple[Category, ...]
    """Categories involved."""
    evidence: tuple[EventId, ...]
    """Event ids."""
    filters: tuple[str, ...] = ()
    """`name@version` of the filters behind the evidence."""
    statistic: Statistic
    """What crossed which bound."""
    numbers: FourNumbers | None = None
    """The four numbers."""
    policy_version: str
    """The policy that it was made under."""
    message: str
    """What the application may show the person."""
    words: str
    """Why, in one sentence."""
    inverse: str
    """The id of the lift that undoes exactly this decision (`lift_…`), registered when it was made."""


class Held(Record):
    """No measure, and why not: the reason is stored and shown."""

    id: str
    """`held_…`, a function of signal and reason."""
    signal_id: str
    """The signal that was held."""
    tenant: Tenant
    """The tenant."""
    subject: Pseudonym
    """The subject concerned."""
    at: Instant
    """Event time."""
    reason: HeldReason
    """Which gate held it."""
    words: str
    """Why, in one sentence."""
    would: Measure | None = None
    """The measure that would have been taken."""
    step: int | None = None
    """The ladder step that would have been taken."""
    until: Instant | None = None
    """When that measure would have ended."""
    also: tuple[HeldReason, ...] = ()
    """The later gates that would have held it too; then nothing would have been taken."""
    filters: tuple[str, ...] = ()
    """`name@version` of the filters behind the evidence."""
    categories: tuple[Category, ...] = ()
    """Categories involved."""
    policy_version: str
    """The policy in force."""

    @property
    def rehearses(self) -> bool:
        """Nothing but observe mode kept the measure from being taken."""
        return self.reason == "mode_observe" and self.would is not None and not self.also


class Lift(Record):
    """The undoing of exactly one decision: by a person, or because the filter that it rests on was faulty."""

    id: str
    """`lift_…`: the inverse that the decision registered."""
    decision_id: str
    """The decision undone."""
    at: Instant
    """When it was undone; the measure ends here."""
    actor: str
    """Who undid it."""
    reason: str
    """Why, in that person's words."""
    appeal_id: str | None = None
    """The appeal that it follows from; null: lifted without one."""


def inverse_of(decision_id: str) -> str:
    """The id of the one lift that undoes that decision."""
    return content_id("lift", decision_id)
