"""What a detector emits: this subject or series is abnormal, with evidence and statistic. It decides nothing."""

from typing import Annotated, Literal

from pydantic import Field

from alerts.record import Record
from events import Category
from events.event import EventId, Instant, Pseudonym, Tenant

SubjectLevel = Literal["review", "restrict", "block"]
SeriesLevel = Literal["ticket", "page"]


class Statistic(Record):
    """The number that crossed, and the bound that it crossed."""

    name: str
    """What was computed, e.g. `P(block rate > 0.02)`."""
    value: float
    """Its value at the crossing."""
    threshold: float
    """The bound, from the policy or its budget."""


class FourNumbers(Record):
    """The four numbers of DSA Art. 23(3): how many, what share, how grave, how intentional."""

    count: int
    """Violations counted against the subject (not decayed)."""
    requests: int
    """Requests of the subject in the same time (not decayed)."""
    share: float
    """count / requests, 0..1."""
    gravity: float
    """Mean severity of the violations, 0..3; a violation without severity counts 2."""
    intent: float
    """Share of violations that were variations after a block, 0..1; a retry of the same prompt does not count."""


class Expectation(Record):
    """What a series should have shown, and what it did."""

    expected: float
    """The baseline's mean (count per step, or reference score)."""
    seen: float
    """What was observed."""
    since: Instant
    """Where the observation starts."""


class Signal(Record):
    """A detector's finding. Its id is a hash of detector, key and the crossing reported."""

    id: str
    """`sig_…`, a function of content."""
    detector: Literal["repeat_offender", "category_spike", "groundedness_drift"]
    """Which detector."""
    tenant: Tenant
    """The tenant."""
    key: str
    """`tenant|subject` or the series key: what is abnormal, and the record's Kafka key."""
    subject: Pseudonym | None = None
    """Set when the signal is about a subject."""
    level: Literal["review", "restrict", "block", "ticket", "page"]
    """How sure: review < restrict < block for subjects, ticket < page for series."""
    at: Instant
    """Event time of the crossing."""
    statistic: Statistic
    """What crossed which bound."""
    categories: tuple[Category, ...] = ()
    """Categories involved, most frequent first."""
    stages: tuple[str, ...] = ()
    """Stages involved."""
    filters: tuple[str, ...] = ()
    """`name` or `name@version` of the filters behind the evidence, where the detector knows them."""
    evidence: Annotated[tuple[EventId, ...], Field(max_length=50)] = ()
    """Event ids, newest first."""
    numbers: FourNumbers | None = None
    """For subjects."""
    expectation: Expectation | None = None
    """For series."""
    policy_version: str
    """The policy in force when it fired."""
    words: str
    """One sentence that the affected person or the on-call engineer can read."""
