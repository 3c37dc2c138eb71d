"""Parameters of the automation detector."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from policy.duration import PositiveDuration
from policy.section import Probability, Section


class AutomationPolicy(Section):
    """Subjects and api keys that behave like a program rather than a person; routes attention, never blocks alone."""

    enabled: bool = True
    """Run this detector."""
    requests_per_hour: Annotated[int, Field(ge=10, le=1_000_000)] = 300
    """Requests in one clock hour that no person makes."""
    requests_per_day: Annotated[int, Field(ge=10, le=10_000_000)] = 2000
    """Requests in one day (UTC) that no person makes."""
    rest: PositiveDuration = timedelta(hours=4)
    """A pause of this length is a rest; a person takes one every day."""
    awake: PositiveDuration = timedelta(days=3)
    """Going on for so long without a rest is a sign of a program."""
    shortest_pause: PositiveDuration = timedelta(seconds=10)
    """Pauses shorter than this are one answer's own requests and say nothing about regularity."""
    same_pause: Annotated[float, Field(gt=1, le=2)] = 1.25
    """Two pauses in a row are the same when neither is more than this many times the other."""
    same_pauses: Probability = 0.3
    """The share of pauses that a person makes as long as the pause before, at most."""
    same_prompts: Probability = 0.5
    """The share of ten-minute slots in which a person begins with the one prompt that they use most, at most."""
    false_alarm_every: Annotated[int, Field(ge=100, le=1_000_000_000)] = 1_000_000
    """Tolerated mean number of requests between false signs of regularity, and of repetition, per subject or key."""
    key_subjects: Annotated[int, Field(ge=1, le=8)] = 3
    """An api key that more subjects than this use is an application's: how much and how long says nothing of it."""
    repeat_after: PositiveDuration = timedelta(days=7)
    """A sign that lasts is told again after this time."""
    evidence_limit: Annotated[int, Field(ge=1, le=50)] = 10
    """Event ids kept as evidence, newest first, once something looks like a program."""

    @model_validator(mode="after")
    def _a_day_has_room_for_a_rest(self) -> Self:
        if not self.shortest_pause < self.rest < self.awake:
            raise ValueError("shortest_pause must be shorter than rest, and rest shorter than awake")
        return self

    @model_validator(mode="after")
    def _a_day_is_longer_than_an_hour(self) -> Self:
        if self.requests_per_day < self.requests_per_hour:
            raise ValueError("requests_per_day must not be below requests_per_hour")
        return self
