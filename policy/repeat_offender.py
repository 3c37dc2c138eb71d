"""Parameters of the repeat-offender detector."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policy.duration import Duration, PositiveDuration
from policy.mode import Mode
from policy.section import Probability, Section

Scope = Literal["subject", "session", "api_key"]
LinkKind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,15}$")]
Odds = Annotated[float, Field(gt=1)]
Multiples = Annotated[tuple[Annotated[float, Field(ge=1)], ...], Field(min_length=3, max_length=3)]


class RepeatOffenderPolicy(Section):
    """Subjects whose share of blocked requests is above the permitted rate, or who have turned."""

    enabled: bool = True
    """Run this detector."""
    mode: Mode | None = None
    """Overrides the policy's mode for this detector."""
    scopes: tuple[Scope, ...] = Field(default=("subject",), min_length=1)
    """What is judged: people, and if named their sessions and the API keys that were used."""
    half_life: PositiveDuration = timedelta(days=7)
    """After this time an old request or violation counts half."""
    prior_violations: Annotated[float, Field(gt=0, le=50)] = 0.5
    """Gamma prior's shape a, in violations, where no fitted baseline holds; never flat."""
    prior_requests: Annotated[float, Field(ge=20, le=200)] = 100.0
    """Gamma prior's rate b, in requests, where no fitted baseline holds; below 20 it would protect nobody."""
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
    turned_at: Odds = 1e6
    """Mixture e-CUSUM from which a subject has turned and is restricted: one error per so many benign requests."""
    benign_shares: tuple[Probability, ...] = Field(default=(0.016, 0.0034, 0.0006), min_length=3, max_length=3)
    """Shares of a benign subject's requests that are blocked with low, medium and high severity."""
    offender_profiles: tuple[Multiples, ...] = Field(
        default=((3, 3, 3), (10, 10, 10), (15, 2, 1), (1.5, 5, 20), (1, 2, 30), (30, 10, 5)), min_length=1, max_length=8
    )
    """Offenders that the e-CUSUM listens for: multiples of the benign shares of low, medium and high severity."""
    violation_gap: Duration = timedelta(minutes=5)
    """At most one violation per session and category within this time: hits of one conversation are correlated."""
    variation_within: Duration = timedelta(minutes=10)
    """For this long after a block another prompt may be a variation of the blocked one."""
    variation_similarity: Probability = 0.7
    """Estimated resemblance (Jaccard) of two prompts from which one varies the other, where shingles were sent."""
    linking: tuple[LinkKind, ...] = Field(default=(), max_length=8)
    """Kinds of links (`payment`, `device`) that make accounts answer together; none unless named."""
    linked_at: Odds = 1e6
    """Mean evidence over all accounts of one link from which a ticket is raised."""
    repeat_every: Annotated[int, Field(ge=1)] = 5
    """A subject that goes on is signalled again after this many further violations."""
    evidence_limit: Annotated[int, Field(ge=1, le=50)] = 20
    """Event ids kept as evidence, newest first."""

    @model_validator(mode="after")
    def _levels_rise(self) -> Self:
        if not self.review_at < self.restrict_at < self.block_at:
            raise ValueError("review_at, restrict_at and block_at must rise")
        return self

    @model_validator(mode="after")
    def _offenders_are_worse(self) -> Self:
        benign = sum(self.benign_shares)
        for profile in self.offender_profiles:
            share = sum(p * times for p, times in zip(self.benign_shares, profile, strict=True))
            if not benign < share < 1:
                raise ValueError("an offender profile must raise benign_shares, and their sum must stay below 1")
        return self

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for names in (self.scopes, self.linking):
            if len(set(names)) < len(names):
                raise ValueError("scopes and linking must not name anything twice")
        return self
