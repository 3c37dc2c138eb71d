"""Parameters of the filter-fault detector."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from policy.duration import PositiveDuration
from policy.section import Positive, Section

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


class FilterFaultPolicy(Section):
    """Filter versions whose block rate jumps for everyone; what they found is held."""

    enabled: bool = True
    """Run this detector."""
    step: PositiveDuration = timedelta(minutes=1)
    """Rates are judged per step of this length: whole minutes that divide a day."""
    multipliers: tuple[Annotated[float, Field(gt=1, le=1000)], ...] = Field(
        default=(2.0, 3.0, 5.0, 10.0), min_length=1, max_length=8
    )
    """Jumps that the mixture listens for, as multiples of the tolerated rate."""
    tolerance: Annotated[float, Field(ge=1, le=5)] = 1.5
    """A rate up to this many times the reference is no fault."""
    page_every: PositiveDuration = timedelta(days=30)
    """Tolerated mean time between false pages over all filters (D of A = K·D)."""
    dispersion: Positive = 10.0
    """Negative-binomial size of newly blocked subjects per step: variance is mu + mu²/size."""
    half_life: PositiveDuration = timedelta(days=2)
    """After this time an old step weighs half in the reference."""
    cold_start: PositiveDuration = timedelta(hours=1)
    """Time with verdicts that a filter is watched for before any of its versions is judged."""
    cold_start_verdicts: Annotated[int, Field(ge=1, le=10_000_000)] = 1000
    """Evaluated verdicts needed as well before any version is judged."""
    min_subjects: Annotated[int, Field(ge=2, le=10_000)] = 20
    """Newly blocked subjects since the jump began, without whom it is a campaign by a few and no fault."""
    accepted_after: PositiveDuration = timedelta(hours=12)
    """A jump that stays becomes the reference after this time."""

    @model_validator(mode="after")
    def _steps_fill_a_day(self) -> Self:
        if self.step % _MINUTE or _DAY % self.step:
            raise ValueError("step must be whole minutes that divide a day")
        return self
