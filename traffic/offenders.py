"""The six kinds of offenders that are planted, after the reference simulation; benign users are in population.py."""

from dataclasses import dataclass
from typing import Literal

OffenderKind = Literal["persistent", "frequent", "low_and_slow", "turned", "diluted_bot", "burst"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offender:
    """One kind of offender: how often it asks, and how often it is blocked."""

    kind: OffenderKind
    """Its name in truth and score."""
    rate: float
    """Chance that a fresh prompt is blocked while it offends."""
    rate_before: float
    """The same before it starts to offend."""
    volume: float
    """Requests per day while active, weekends included."""
    weight: float
    """Share among the planted offenders."""
    starts_at: tuple[float, float] = (0.0, 0.0)
    """When it starts to offend, drawn from this range of the run (0 start, 1 end)."""
    active_hours: float | None = None
    """It is active only so long from its start; None: the whole run, also before it offends."""
    session_length: float = 1.5
    """Mean requests per session; short, because hits of one conversation count once."""
    gap_s: float = 120.0
    """Mean seconds between the requests of a session."""
    round_the_clock: bool = False
    """It keeps no hours of day."""
    loud_within: int | None
    """Hours of traffic within which it must be found; None: a day is too short."""


OFFENDERS = (
    Offender(kind="persistent", rate=0.5, rate_before=0.5, volume=70, weight=0.2, loud_within=24),
    Offender(kind="frequent", rate=0.15, rate_before=0.15, volume=250, weight=0.2, loud_within=24),
    Offender(kind="low_and_slow", rate=0.3, rate_before=0.3, volume=3, weight=0.2, loud_within=None),
    Offender(
        kind="turned", rate=0.3, rate_before=0.005, volume=250, weight=0.2, starts_at=(0.5, 0.5), loud_within=24
    ),
    Offender(
        kind="diluted_bot", rate=0.03, rate_before=0.03, volume=8_000, weight=0.05, session_length=1.0,
        round_the_clock=True, loud_within=24,
    ),
    Offender(
        kind="burst", rate=0.9, rate_before=0.0, volume=480, weight=0.15, starts_at=(0.1, 0.7), active_hours=3.0,
        round_the_clock=True, loud_within=12,
    ),
)  # fmt: skip
"""Rates are the reference simulation's; its volumes are for a month, these make the loud kinds sure finds in a day."""


def planted(users: int, share: float) -> tuple[int, ...]:
    """How many of each kind, in the order of OFFENDERS: at least three, so that a recall means something."""
    return tuple(max(3, round(users * share * offender.weight)) for offender in OFFENDERS)
