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


class Multiplier(Record):
    """By what factor a series is above its expectation: a posterior, not an estimate."""

    median: float
    """As likely above as below."""
    low: float
    """Above this with probability 0.95."""
    high: float
    """Below this with probability 0.95."""


class Contribution(Record):
    """What one value of one dimension adds to a rise."""

    dimension: Annotated[str, Field(max_length=64)]
    """E.g. `subject`, `api_key`, `prompt_hash`, `language`, `filter_version`, `release`."""
    value: Annotated[str, Field(max_length=160)]
    """The value: a pseudonym or a label."""
    seen: float
    """Count since the rise began."""
    expected: float
    """Count that its share before the rise would have given."""
    share: float
    """Its part of the excess over all values; negative where it fell."""


class Attribution(Record):
    """Who or what explains a rise."""

    kind: Literal["campaign", "broad"]
    """`campaign`: one subject, key or prompt explains most of it; `broad`: no single one does."""
    rows: Annotated[tuple[Contribution, ...], Field(max_length=48)] = ()
    """The largest contributions of every dimension, largest first."""


Scope = Literal["subject", "session", "api_key"]


class Signal(Record):
    """A detector's finding. Its id is a hash of detector, key and the crossing reported."""

    id: str
    """`sig_…`, a function of content."""
    detector: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}(\.[a-z0-9][a-z0-9_-]{0,63})?$")]
    """Which detector, or `rule.<name>` for a rule of the policy."""
    tenant: Tenant
    """The tenant."""
    key: str
    """`tenant|subject` or the series key: what is abnormal, and the record's Kafka key."""
    subject: Pseudonym | None = None
    """Set when the signal is about a subject, or about a session or api key: then it is their pseudonym."""
    scope: Scope = "subject"
    """What `subject` is the pseudonym of."""
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
    multiplier: Multiplier | None = None
    """For rises."""
    attribution: Attribution | None = None
    """For rises: what explains them."""
    policy_version: str
    """The policy in force when it fired."""
    words: str
    """One sentence that the affected person or the on-call engineer can read."""
