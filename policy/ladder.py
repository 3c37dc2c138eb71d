"""The ladder of actions against a subject: warn first, permanent steps by a human."""

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policy.duration import PositiveDuration
from policy.section import Section

Level = Literal["review", "restrict", "block"]
Action = Literal["warn", "throttle", "suspend", "ban"]
LEVELS: tuple[Level, ...] = ("review", "restrict", "block")
"""From the least certain on."""
ACTIONS: tuple[Action, ...] = ("warn", "throttle", "suspend", "ban")
"""From the mildest on."""


class Step(Section):
    """One rung: what happens, for how long, and from which level of certainty."""

    action: Action
    """What happens to the subject."""
    duration: PositiveDuration | None = None
    """How long it lasts; null means until a human lifts it, which only `needs_human` may do."""
    level: Level
    """The lowest signal level that reaches this rung."""
    needs_human: bool = False
    """The step is proposed for review and never taken automatically."""
    message: Annotated[str, Field(min_length=1, max_length=500)]
    """What the application may show to the person; plain words."""

    @model_validator(mode="after")
    def _permanent_needs_human(self) -> Self:
        if self.duration is None and not self.needs_human:
            raise ValueError("a step without an end is permanent and needs a human: set needs_human")
        return self


_STEPS = (
    Step(
        action="warn",
        duration=timedelta(days=30),
        level="restrict",
        message="Several of your recent requests were blocked by our content policy. "
        "If this goes on, your use may be limited.",
    ),
    Step(
        action="throttle",
        duration=timedelta(hours=24),
        level="restrict",
        message="Many of your recent requests were blocked by our content policy. Your use is slowed down for a day.",
    ),
    Step(
        action="suspend",
        duration=timedelta(days=7),
        level="block",
        message="Your use is suspended for a week because many of your requests were blocked by our content policy. "
        "You can appeal.",
    ),
    Step(
        action="ban",
        level="block",
        needs_human=True,
        message="Your use has been ended because of repeated violations of our content policy. You can appeal.",
    ),
)


class Ladder(Section):
    """The rungs in order. A subject climbs one rung per signal; a rung is forgotten after `memory`."""

    steps: tuple[Step, ...] = Field(default=_STEPS, min_length=1, max_length=12)
    """From the mildest on; the first must be a warning, none milder or less certain than the one before."""
    memory: PositiveDuration = timedelta(days=90)
    """Decisions older than this no longer count as rungs already climbed."""

    @model_validator(mode="after")
    def _warns_first(self) -> Self:
        if self.steps[0].action != "warn":
            raise ValueError("the first step must be a warning")
        return self

    @model_validator(mode="after")
    def _never_milder(self) -> Self:
        for before, after in pairwise(self.steps):
            if ACTIONS.index(after.action) < ACTIONS.index(before.action):
                raise ValueError("a step must not be milder than the one before it")
            if LEVELS.index(after.level) < LEVELS.index(before.level):
                raise ValueError("a step must not need less certainty than the one before it")
        return self
