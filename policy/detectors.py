"""Parameters of the detectors; the methods are in streams/detectors, the sources in docs/detectors.md."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policy.duration import Duration, PositiveDuration
from policy.section import Positive, Probability, Section

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)

Mode = Literal["observe", "review", "enforce"]


class RepeatOffenderPolicy(Section):
    """Subjects whose share of blocked requests is above the permitted rate, by a Gamma-Poisson posterior."""

    enabled: bool = True
    """Run this detector."""
    mode: Mode | None = None
    """Overrides the policy's mode for this detector."""
    half_life: PositiveDuration = timedelta(days=7)
    """After this time an old request or violation counts half."""
    prior_violations: Annotated[float, Field(gt=0, le=50)] = 0.5
    """Gamma prior's shape a, in violations; fitted on the population, never flat."""
    prior_requests: Annotated[float, Field(ge=20, le=200)] = 100.0
    """Gamma prior's rate b, in requests; below 20 the prior is too weak to protect anyone."""
    permitted_rate: Probability = 0.02
    """r0: the share of blocked requests from which a subject counts as an offender."""
    review_at: Probability = 0.95
    """Posterior probability from which a human should look."""
    restrict_at: Probability = 0.99
    """Posterior probability from which a subject is restricted."""
    block_at: Probability = 0.999
    """Posterior probability from which a subject may be blocked."""
    block_min_violations: Annotated[int, Field(ge=1)] = 5
    """Distinct violations needed for a block, however certain the posterior."""
    violation_gap: Duration = timedelta(minutes=5)
    """At most one violation per session and category within this time: hits of one conversation are correlated."""
    repeat_every: Annotated[int, Field(ge=1)] = 5
    """A subject that goes on is signalled again after this many further violations."""
    evidence_limit: Annotated[int, Field(ge=1, le=50)] = 20
    """Event ids kept as evidence, newest first."""

    @model_validator(mode="after")
    def _levels_rise(self) -> Self:
        if not self.review_at < self.restrict_at < self.block_at:
            raise ValueError("review_at, restrict_at and block_at must rise")
        return self


class CategorySpikePolicy(Section):
    """Series whose count of flagged content rises, by a mixture Shiryaev-Roberts statistic over a seasonal baseline."""

    enabled: bool = True
    """Run this detector."""
    step: PositiveDuration = timedelta(minutes=5)
    """Counts are judged per step of this length: whole minutes that divide a day."""
    multipliers: tuple[Annotated[float, Field(gt=1)], ...] = Field(
        default=(1.5, 2.0, 3.0, 5.0), min_length=1, max_length=8
    )
    """Rises that the mixture listens for, as multiples of the expected count."""
    tolerance: Annotated[float, Field(ge=1, le=2)] = 1.1
    """The expected count is inflated by this factor, so that small misfits of the baseline raise no page."""
    ticket_every: PositiveDuration = timedelta(days=1)
    """Tolerated mean time between false tickets over all series (D of A = K·D)."""
    page_every: PositiveDuration = timedelta(days=7)
    """Tolerated mean time between false pages over all series (D of A = K·D)."""
    dispersion: Positive = 15.0
    """Negative-binomial size: variance is mu + mu²/size."""
    half_life: PositiveDuration = timedelta(days=14)
    """After this time an old step weighs half in the baseline."""
    cold_start: Duration = timedelta(hours=2)
    """History needed before a series is judged at all."""
    minimum_mean: Positive = 0.2
    """Expected counts per step are taken as at least this."""

    @model_validator(mode="after")
    def _steps_fill_a_day(self) -> Self:
        if self.step % _MINUTE or _DAY % self.step:
            raise ValueError("step must be whole minutes that divide a day")
        return self

    @model_validator(mode="after")
    def _pages_are_rarer(self) -> Self:
        if self.page_every < self.ticket_every:
            raise ValueError("page_every must not be shorter than ticket_every")
        return self


class GroundednessDriftPolicy(Section):
    """Series of scores in [0, 1] whose mean falls, by a betting Shiryaev-Roberts statistic."""

    enabled: bool = True
    """Run this detector."""
    false_alarm_every: Annotated[int, Field(ge=100)] = 10_000
    """1/alpha: mean number of scores between false alarms, for any distribution of scores."""
    reference_size: Annotated[int, Field(ge=50)] = 1000
    """Scores that form the frozen reference before anything is judged."""
    margin: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """A fall of the mean within this margin (plus two standard errors) is no alarm, by design."""
    bets: tuple[Probability, ...] = Field(default=(0.03, 0.06, 0.125, 0.25, 0.5, 0.9), min_length=1, max_length=12)
    """Betting fractions lambda of the mixture."""


class Detectors(Section):
    """Every detector's parameters."""

    repeat_offender: RepeatOffenderPolicy = RepeatOffenderPolicy()
    """Subjects who keep triggering blocks."""
    category_spike: CategorySpikePolicy = CategorySpikePolicy()
    """Categories that suddenly rise."""
    groundedness_drift: GroundednessDriftPolicy = GroundednessDriftPolicy()
    """Answers that drift away from their sources."""
