"""Parameters of the repeat-offender detector."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from policy.duration import Duration, PositiveDuration
from policy.mode import Mode
from policy.section import Probability, Section


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
