"""Parameters of the groundedness-drift detector."""

from typing import Annotated

from pydantic import Field

from policy.section import Probability, Section


class GroundednessDriftPolicy(Section):
    """Series of scores in [0, 1] that fall, by betting Shiryaev-Roberts statistics of their mean and of low scores."""

    enabled: bool = True
    """Run this detector."""
    false_alarm_every: Annotated[int, Field(ge=100)] = 10_000
    """1/alpha: mean number of scores of a series between false alarms, for any distribution of scores."""
    reference_size: Annotated[int, Field(ge=50)] = 1000
    """Scores that form the frozen reference before anything is judged."""
    margin: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """A fall of the mean within this margin (plus two standard errors) is no alarm, by design."""
    low_score: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A score below this is low; the share of low scores is judged beside the mean, unless this is 0."""
    low_margin: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """A rise of the share of low scores within this margin (plus two standard errors) is no alarm, by design."""
    bets: tuple[Probability, ...] = Field(default=(0.03, 0.06, 0.125, 0.25, 0.5, 0.9), min_length=1, max_length=12)
    """Betting fractions lambda of the mixture."""
