"""One stream of values in [0, 1], watched for a fall of its mean below a frozen reference; it words nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import NamedTuple, TypeVar

import msgspec

from streams.detectors.betting import log_wins
from streams.detectors.betting_interval import Hundredths, bounds, counted
from streams.detectors.shiryaev_roberts import Evidence, advance, held

_EVIDENCE = 10
_LARGEST_MEAN = 0.999
"""A reference of nothing but ones would leave no room for a bet."""


class Fall(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The values since their running mean was last at the null mean: Page's estimate of where a change began."""

    since: float
    """Event time of the first, epoch seconds."""
    scores: int = 0
    """How many."""
    total: float = 0.0
    """Their sum."""
    worst: tuple[str, ...] = ()
    """Event ids of the last ten below the reference, newest first."""
    counts: Hundredths = {}
    """How often every score came, in hundredths."""

    @property
    def interval(self) -> tuple[float, float]:
        """Between what their mean lies, with 95 % confidence."""
        return bounds(self.counts)


class Stream(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of one stream."""

    scores: int = 0
    """Values in the reference; it is frozen at its size."""
    mean: float = 0.0
    """Mean of the reference."""
    squares: float = 0.0
    """Sum of squared deviations from it."""
    evidence: Evidence = ()
    """ln(1 + R) per bet; empty is zero."""
    held: int = 0
    """Values still to pass before anything is judged again after an alarm."""
    fall: Fall | None = None
    """The fall under way."""


class Value(NamedTuple):
    """One value of a stream."""

    event_id: str
    at: datetime
    value: float
    """In [0, 1]."""


class Crossing(NamedTuple):
    """The statistic reached its threshold."""

    reference: float
    """Mean of the reference."""
    fall: Fall
    """The values that made the evidence."""
    log_mean: float
    """ln of the mean of the components."""


S = TypeVar("S", bound=Stream)


@dataclass(frozen=True)
class Watch:
    """Parameters of one stream, and its step: the first `size` values are the reference, and stay it."""

    size: int
    """Values of the reference."""
    bets: tuple[float, ...]
    """Betting fractions of the mixture."""
    threshold: float
    """ln of the mean number of values between false alarms."""
    null: Callable[[Stream], float]
    """The mean that is still taken for unchanged, from the reference."""

    def step(self, stream: S, value: Value) -> tuple[S, Crossing | None]:
        """Apply one value; after a crossing half a reference's size of values passes unjudged."""
        if stream.scores < self.size:
            return _learned(stream, value.value), None
        if stream.held:
            return msgspec.structs.replace(stream, held=stream.held - 1), None
        null_mean = min(self.null(stream), _LARGEST_MEAN)
        if null_mean <= 0.0:
            return stream, None
        wins = log_wins(value.value, null_mean, bets=self.bets)
        evidence, log_mean = advance(held(stream.evidence, len(wins)), wins)
        fall = _fallen(stream.fall or Fall(value.at.timestamp()), value, below=stream.mean)
        if log_mean >= self.threshold:
            started = msgspec.structs.replace(stream, evidence=(), held=self.size // 2, fall=None)
            return started, Crossing(stream.mean, fall, log_mean)
        kept = fall if fall.total < null_mean * fall.scores else None
        return msgspec.structs.replace(stream, evidence=evidence, fall=kept), None


def lowest_mean(stream: Stream, *, margin: float) -> float:
    """The reference's mean, less two standard errors and the margin."""
    variance = stream.squares / (stream.scores - 1)
    return stream.mean - 2.0 * sqrt(variance / stream.scores) - margin


def lowest_share(stream: Stream, *, margin: float) -> float:
    """As `lowest_mean` for values 0 and 1, where none of one kind in the reference does not mean that there are none.

    Two of each kind are added: Agresti and Coull, The American Statistician 52 (1998).

    >>> round(lowest_share(Stream(1000, 1.0), margin=0.01), 4)
    0.9852
    """
    count = stream.scores + 4
    share = (stream.mean * stream.scores + 2.0) / count
    return share - 2.0 * sqrt(share * (1.0 - share) / count) - margin


def _learned(stream: S, value: float) -> S:
    """Welford's update of mean and squares."""
    scores = stream.scores + 1
    mean = stream.mean + (value - stream.mean) / scores
    squares = stream.squares + (value - stream.mean) * (value - mean)
    return msgspec.structs.replace(stream, scores=scores, mean=mean, squares=squares)


def _fallen(fall: Fall, value: Value, *, below: float) -> Fall:
    worst = (value.event_id, *fall.worst)[:_EVIDENCE] if value.value < below else fall.worst
    return Fall(fall.since, fall.scores + 1, fall.total + value.value, worst, counted(fall.counts, value.value))
