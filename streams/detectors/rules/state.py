"""What is remembered of one group of one rule: the events that may still count, or parts of its window; no rule."""

import msgspec

NEVER = -1e12
"""Epoch seconds before any event."""
EVIDENCE_LIMIT = 50


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event that may still count. Only the newest 50 of a group can be evidence; the others keep time and mark."""

    at: float
    """Epoch seconds."""
    mark: int = 0
    """What its correlation tells events apart by."""
    event_id: str = ""
    category: str = ""
    stage: str = ""
    filter: str = ""
    """`name@version` or `name`."""


class Bucket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What happened in one 64th of a timespan."""

    index: int
    """Number of the part, counted from 1970."""
    at: float = NEVER
    """Epoch seconds of its newest event."""
    total: float = 0
    part: float = 0


class RuleState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One group of one rule."""

    high: float = NEVER
    """Epoch seconds of its newest event."""
    spent: float = NEVER
    """Epoch seconds of the newest event that a signal was made of; nothing up to here counts again."""
    armed: bool = True
    """The window has been below the condition since the last signal."""
    entries: tuple[Entry, ...] = ()
    """By time."""
    buckets: tuple[Bucket, ...] = ()
    """By index; for sums and ratios."""
