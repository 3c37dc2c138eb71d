"""Parameters of the category-spike detector."""

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policy.duration import Duration, PositiveDuration
from policy.section import Positive, Probability, Section

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_LONGEST_HISTORY = timedelta(days=56)

SeriesPart = Literal["model", "provider", "provider_category", "stage"]


class CategorySpikePolicy(Section):
    """Series whose count of flagged content rises, by a mixture Shiryaev-Roberts statistic over a seasonal baseline."""

    enabled: bool = True
    """Run this detector."""
    steps: tuple[PositiveDuration, ...] = Field(
        default=(timedelta(minutes=5), timedelta(hours=1)), min_length=1, max_length=3
    )
    """Counts are judged per step of each of these lengths, shortest first: whole minutes that divide an hour."""
    hierarchy: tuple[tuple[SeriesPart, ...], ...] = Field(
        default=(("provider", "provider_category", "stage"), ("provider", "provider_category")), max_length=4
    )
    """Sums that are watched too: the parts of the series key that each level keeps; every level keeps fewer of them."""
    child_share: Probability = 0.8
    """A sum is silent when one series of it, unless it is new, explains at least this share of the excess."""
    campaign_share: Probability = 0.5
    """A rise is a campaign when one subject, API key or prompt explains at least this share of the excess."""
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
    history: PositiveDuration = _LONGEST_HISTORY
    """Hourly counts are kept for so long: the daily and weekly shape is fitted to them once a day; at most 56d."""
    learn_from: PositiveDuration = timedelta(days=14)
    """Known hours from which the fitted shape is used; before, every hour of the day is learnt for itself."""
    cold_start: Duration = timedelta(hours=2)
    """History needed before a series is judged at all."""
    half_life: PositiveDuration = timedelta(days=14)
    """After this time an old step weighs half in the hours of a young series and in former shares."""
    level_half_life: PositiveDuration = timedelta(minutes=30)
    """After this time a step weighs half in the level of a young series, and a wandering level is half way back."""
    trend_half_life: PositiveDuration = timedelta(days=3)
    """After this time a step weighs half in the level of the fitted shape, which so follows growth."""
    rise_allowance: Annotated[float, Field(ge=0, le=2)] = 0.3
    """Logarithmic, per hour: how steeply the unknown daily curve of a young series may rise."""
    dispersion: Positive = 15.0
    """Negative-binomial size, until a series has shown its own: variance is mu + mu²/size."""
    outlier: Annotated[float, Field(ge=1, le=10)] = 3.0
    """Standard deviations above the expectation at which a count is cut off before it is learnt."""
    freeze_share: Probability = 0.5
    """Share of the ticket's threshold, in logs, from which a step is taken for a rise and not learnt."""
    freeze: Duration = timedelta(hours=12)
    """A rise that stays for longer becomes the new normal."""
    minimum_mean: Positive = 0.2
    """Expected counts per step are taken as at least this."""

    @model_validator(mode="after")
    def _steps_fill_an_hour(self) -> Self:
        if any(step % _MINUTE or _HOUR % step for step in self.steps):
            raise ValueError("steps must be whole minutes that divide an hour")
        if any(later <= earlier for earlier, later in pairwise(self.steps)):
            raise ValueError("steps must be in ascending order")
        return self

    @model_validator(mode="after")
    def _levels_sum_up(self) -> Self:
        above: set[str] = {"model", "provider", "provider_category", "stage"}
        for level in self.hierarchy:
            if not set(level) < above:
                raise ValueError("every level of hierarchy must keep a proper subset of what the level before it keeps")
            above = set(level)
        return self

    @model_validator(mode="after")
    def _pages_are_rarer(self) -> Self:
        if self.page_every < self.ticket_every:
            raise ValueError("page_every must not be shorter than ticket_every")
        return self

    @model_validator(mode="after")
    def _history_is_enough(self) -> Self:
        if not 7 * _DAY <= self.learn_from <= self.history <= _LONGEST_HISTORY:
            raise ValueError("learn_from must be at least 7d, history at least that and at most 56d")
        return self
