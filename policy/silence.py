"""Parameters of the silence detector."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from policy.duration import PositiveDuration
from policy.section import Positive, Section

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


class SilencePolicy(Section):
    """Sources, tenants and providers that stop, and rows that do not follow their events."""

    enabled: bool = True
    """Run this detector."""
    step: PositiveDuration = timedelta(minutes=5)
    """Activity is judged per step of this length: whole minutes that divide a day."""
    remainders: tuple[Annotated[float, Field(ge=0, lt=1)], ...] = Field(
        default=(0.0, 0.1, 0.3), min_length=1, max_length=8
    )
    """What a fall leaves, as multiples of the tolerated activity; 0 is silence."""
    tolerance: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Activity down to this part of what is expected is no fall."""
    ticket_every: PositiveDuration = timedelta(days=7)
    """Tolerated mean time between false tickets over all tenants and providers (D of A = K·D)."""
    page_every: PositiveDuration = timedelta(days=30)
    """Tolerated mean time between false pages over all topics (D of A = K·D)."""
    dispersion: Positive = 2.0
    """Negative-binomial size of events per step: variance is mu + mu²/size."""
    half_life: PositiveDuration = timedelta(days=14)
    """After this time an old step weighs half in what is expected, and an old pause in how long one may be."""
    cold_start: PositiveDuration = timedelta(days=7)
    """History needed before an activity is judged at all."""
    longer_than_known: Annotated[float, Field(ge=1, le=10)] = 1.5
    """A fall is told only when it is this many times as deep as the deepest from which the activity recovered."""
    accepted_after: PositiveDuration = timedelta(days=3)
    """A fall that stays becomes what is expected after this time."""
    storage_after: PositiveDuration = timedelta(minutes=15)
    """Events that were read and are not stored after this time are told."""

    @model_validator(mode="after")
    def _steps_fill_a_day(self) -> Self:
        if self.step % _MINUTE or _DAY % self.step:
            raise ValueError("step must be whole minutes that divide a day")
        return self
