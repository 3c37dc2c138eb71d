"""How often a lane is flushed: often while it keeps up with its input, seldom while it is far behind.

A flush costs a transaction and a record per changed state, so that few large ones cost less than many small ones.
"""

from dataclasses import dataclass

_SHORTEST = 0.2
"""Share of a pause that lies between two flushes even when somebody waits for what is in the outbox."""
_OF_THE_DELAY = 0.2
"""Who waits for facts that are late anyway gets them later by no more than this share."""
_LONGEST = 2.0
"""Seconds; so much work at most is done again after a crash."""


@dataclass(slots=True)
class FlushPace:
    """One lane's. Times of `now` are monotonic seconds."""

    interval: float
    """Seconds between two flushes of a lane that keeps up."""
    flushed_at: float = 0.0
    behind: float = 0.0
    """Age in seconds of what was read last; 0 when there is nothing more to read."""

    @property
    def pause(self) -> float:
        """Seconds between two flushes."""
        return max(self.interval, min(_OF_THE_DELAY * self.behind, _LONGEST))

    @property
    def least(self) -> float:
        """Seconds between two flushes of a lane that keeps up, when somebody waits for them."""
        return _SHORTEST * self.interval

    def is_due(self, now: float, *, awaited: bool) -> bool:
        """Whether to flush as soon as `least` has passed, though the pause was to be longer."""
        pause = self.pause
        if awaited and pause == self.interval:
            return True
        return now - self.flushed_at >= (_SHORTEST if awaited else 1.0) * pause
