"""Parameters of the category-spike detector."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from policy.duration import Duration, PositiveDuration
from policy.section import Positive, Section

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


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
