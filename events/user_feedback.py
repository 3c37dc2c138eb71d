"""What a user said about an answer: a thumb, a rating, a reason; never free text."""

from typing import Annotated, Literal

from pydantic import Field

from events.event import ModelEvent


class UserFeedback(ModelEvent):
    """One reaction of a user to one answer."""

    thumb: Literal["up", "down"] | None = None
    """Thumb up or down."""
    rating: Annotated[int, Field(ge=1, le=5)] | None = None
    """Stars, 1 (worst) to 5 (best)."""
    reasons: tuple[Literal["inaccurate", "harmful", "incomplete", "other"], ...] = Field(default=(), max_length=4)
    """Why the user reacted, from a fixed list."""
