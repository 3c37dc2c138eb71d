"""The policy: one versioned document that holds every threshold, ladder, route and retention time."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, HttpUrl, model_validator

from events import Category, Stage
from events.event import Instant, Label, Pseudonym, Tenant
from policy.detectors import Detectors
from policy.duration import Duration, PositiveDuration, at_least
from policy.guardrails import Guardrails
from policy.ladder import Action, Ladder
from policy.mode import Mode
from policy.quotas import ANY_DETECTOR, DEFAULT_QUOTAS, MOST_QUOTAS, QuotaPolicy, findings_in_quotas
from policy.rule_checks import MOST_RULES, findings_among
from policy.rule_filter import refuse
from policy.rules import Rule
from policy.section import Section


class Exemption(Section):
    """A subject that no detector may act on, e.g. a red team; it ends by itself."""

    tenant: Tenant
    """The tenant."""
    subject: Pseudonym
    """The pseudonymised subject."""
    until: Instant
    """When the exemption ends."""
    why: Annotated[str, Field(min_length=1, max_length=200)]
    """The reason, shown wherever the exemption held something back."""


class Care(Section):
    """Where the right answer is support or a different culprit, and never a strike."""

    categories: tuple[Category, ...] = (Category.SELF_HARM, Category.SEXUAL_MINORS)
    """Categories that go to the support route and never count as violations."""
    injected_categories: tuple[Category, ...] = (Category.PROMPT_ATTACK_INDIRECT,)
    """Attacks that came in with a document or a tool result: not the user's doing."""
    injected_stages: tuple[Stage, ...] = (Stage.DOCUMENT, Stage.TOOL)
    """Stages whose content the user did not write."""


class Lateness(Section):
    """How event time and arrival may differ."""

    allowed: Duration = timedelta(minutes=10)
    """Events older than the partition's watermark by more than this are stored, but no detector counts them."""
    future: Duration = timedelta(minutes=5)
    """Events further ahead of the broker's clock than this are dead-lettered."""
    idle: PositiveDuration = timedelta(seconds=5)
    """A partition silent for this long (processing time) no longer holds the watermark back."""


class DeadLetterLimits(Section):
    """When bad input stops a worker instead of draining a topic into the dead letters."""

    max_share: Annotated[float, Field(gt=0, le=1)] = 0.01
    """Stop when the share of bad records of the last 10,000 is above this by three standard errors."""
    max_run: Annotated[int, Field(ge=1)] = 1000
    """Stop after this many bad records in a row."""
    keep_raw: bool = False
    """Keep the record's bytes with the dead letter; they may hold personal data."""


Kept = Annotated[Duration, at_least(timedelta(hours=1))]


class Retention(Section):
    """How long ClickHouse keeps what, an hour at least; the coarser a rollup, the longer it lives."""

    raw: Kept = timedelta(days=30)
    """Events as they came."""
    minutes: Kept = timedelta(days=14)
    """Rollups per minute."""
    hours: Kept = timedelta(days=400)
    """Rollups per hour."""
    days: Kept = timedelta(days=1100)
    """Rollups per day."""
    ledger: Kept = timedelta(days=2200)
    """Decisions, appeals, incidents: as long as anyone may ask why; never shorter than an appeal can take."""

    @model_validator(mode="after")
    def _coarser_lives_longer(self) -> Self:
        if not self.minutes <= self.hours <= self.days:
            raise ValueError("minutes, hours and days must not fall: a coarser rollup lives at least as long")
        return self


class Appeals(Section):
    """Who may appeal what, and until when."""

    window: PositiveDuration = timedelta(days=184)
    """A decision can be appealed for this long (DSA Art. 20: at least six months)."""
    due: PositiveDuration = timedelta(days=7)
    """A reviewer should have decided by then."""


class Webhook(Section):
    """A receiver of incidents: an HTTP endpoint that checks our signature."""

    name: Label
    """The receiver's name, in routes and in the ledger."""
    url: HttpUrl
    """Where to POST."""
    secret_file: Annotated[str, Field(min_length=1)]
    """File that holds the shared secret (HMAC-SHA-256); never the secret itself."""
    on: tuple[Literal["opened", "updated", "acknowledged", "resolved"], ...] = Field(
        default=("opened", "acknowledged", "resolved"), min_length=1
    )
    """Which changes of an incident are delivered."""


class Policy(Section):
    """The whole document. Its version is the hash of its content; `name` and `author` are for people."""

    name: Label
    """What people call it."""
    author: Label
    """Who wrote this version."""
    mode: Mode = "observe"
    """observe: record what would be done; review: a human confirms; enforce: act."""
    fail_mode: Literal["open", "closed"] = "open"
    """What a gateway does with a subject when it cannot reach Watchfloor."""
    guardrails: Guardrails = Guardrails()
    """From which severity on a category is blocked."""
    detectors: Detectors = Detectors()
    """Parameters of the detectors."""
    rules: Annotated[tuple[Rule, ...], Field(max_length=MOST_RULES)] = ()
    """Rules of your own; docs/rules.md has their vocabulary."""
    ladder: Ladder = Ladder()
    """What happens to subjects, step by step."""
    quotas: Annotated[tuple[QuotaPolicy, ...], Field(max_length=MOST_QUOTAS)] = DEFAULT_QUOTAS
    """How many of these measures a detector may take before people have to look."""
    care: Care = Care()
    """What never counts as a strike."""
    exemptions: tuple[Exemption, ...] = ()
    """Subjects that no detector may act on."""
    appeals: Appeals = Appeals()
    """Appeal windows."""
    lateness: Lateness = Lateness()
    """Event time against arrival."""
    dead_letters: DeadLetterLimits = DeadLetterLimits()
    """When bad input stops a worker."""
    retention: Retention = Retention()
    """How long rows are kept."""
    receivers: tuple[Webhook, ...] = ()
    """Where incidents are delivered."""

    @model_validator(mode="after")
    def _names_of_receivers_differ(self) -> Self:
        names = [receiver.name for receiver in self.receivers]
        if len(set(names)) < len(names):
            raise ValueError("two receivers have the same name")
        return self

    @model_validator(mode="after")
    def _rules_fit_the_document(self) -> Self:
        refuse(findings_among(self.rules, care=self.care, lateness=self.lateness.allowed))
        return self

    @model_validator(mode="after")
    def _quotas_fit_the_document(self) -> Self:
        acting = [name for name in Detectors.model_fields if hasattr(getattr(self.detectors, name), "mode")]
        refuse(findings_in_quotas(self.quotas, acting=(*acting, *(rule.detector for rule in self.rules))))
        return self

    @model_validator(mode="after")
    def _ledger_outlives_appeals(self) -> Self:
        if self.retention.ledger < self.appeals.window + self.appeals.due:
            raise ValueError("retention.ledger must not be shorter than appeals.window and appeals.due together")
        return self

    def mode_of(self, detector: str) -> Mode:
        """The mode that holds for a detector's signals."""
        own = next((rule for rule in self.rules if rule.detector == detector), None)
        section = own or getattr(self.detectors, detector, None)
        override: Mode | None = getattr(section, "mode", None)
        return override or self.mode

    def quota_of(self, detector: str, measure: Action) -> QuotaPolicy | None:
        """The detector's own row for a measure, else the one for every detector; None: unlimited."""
        rows = {one.detector: one for one in self.quotas if one.measure == measure}
        return rows.get(detector) or rows.get(ANY_DETECTOR)
