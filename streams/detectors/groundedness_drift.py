"""Finds series whose scores fall below their own reference, in the mean or by low scores; it judges no single one."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from math import log

import msgspec

from alerts.signal import Signal
from policy.groundedness_drift import GroundednessDriftPolicy
from streams.detectors.drift_report import Drift, signal_of
from streams.detectors.score_stream import Crossing, Stream, Value, Watch, lowest_mean, lowest_share


class Score(msgspec.Struct, frozen=True, gc=False):
    """One score of one answer by one evaluator and version."""

    series: str
    """`str(ScoreKey)`."""
    event_id: str
    """The verdict that carried it."""
    at: datetime
    """Event time, aware."""
    value: float
    """In [0, 1], higher is better; anything else is not a score and is passed over."""


class DriftState(Stream, frozen=True, array_like=True, gc=False):
    """One series of scores: the stream of the scores themselves, and beside it the stream of low ones."""

    low: Stream = Stream()
    """1 for every score that is not low, 0 for a low one."""
    since: float = 0.0
    """Event time of the first score of this evaluator and version, epoch seconds; 0: not known."""
    low_score: float = 0.0
    """The policy's `low_score` when `low` was begun; another one begins another reference."""


@dataclass(frozen=True)
class GroundednessDrift:
    """Betting Shiryaev-Roberts on two streams of a series: the scores, and whether each is low.

    Called once per score. The first `reference_size` scores are the reference, and stay it. The null of the scores is
    "the mean is at least the reference, less two standard errors and `margin`", that of the low ones "their share is at
    most the reference's, plus two standard errors and `low_margin`". With E[L | past] <= 1 the sum of both statistics
    less 2t has no positive drift, so with a threshold of 2 `false_alarm_every` for each the first false alarm of either
    takes at least `false_alarm_every` scores on average, however they depend on each other. After an alarm a statistic
    starts again at 0, against the same reference, after half a reference's size of scores: a fall that lasts is told
    again but not score by score. A reference so low that nothing is left to fall is never judged.
    """

    policy: GroundednessDriftPolicy
    policy_version: str

    def initial(self, key: str) -> DriftState:
        """A series that was never seen; `key` is `str(ScoreKey)`."""
        return DriftState()

    def step(self, state: DriftState, event: Score) -> tuple[DriftState, tuple[Signal, ...]]:
        """Apply one score."""
        if not 0.0 <= event.value <= 1.0:
            return state, ()
        if not state.scores:
            state = DriftState(since=event.at.timestamp())
        score = Value(event.event_id, event.at, event.value)
        after, fallen = self._mean.step(state, score)
        signals = () if fallen is None else (self._signal(state, event, crossing=fallen),)
        if self._low is None:
            return after, signals
        bar = self.policy.low_score
        low = state.low if state.low_score == bar else Stream()
        low, lowered = self._low.step(low, score._replace(value=float(event.value >= bar)))
        if lowered is not None:
            signals = (*signals, self._signal(state, event, crossing=lowered, low=bar))
        return msgspec.structs.replace(after, low=low, low_score=bar), signals

    def _signal(self, state: DriftState, event: Score, *, crossing: Crossing, low: float | None = None) -> Signal:
        drift = Drift(
            series=event.series,
            event_id=event.event_id,
            at=event.at,
            since=state.since,
            crossing=crossing,
            low=low,
            threshold=self._threshold,
            policy=self.policy,
        )
        return signal_of(drift, policy_version=self.policy_version)

    @cached_property
    def _threshold(self) -> float:
        """Of each stream: they share the budget."""
        streams = 2 if self.policy.low_score else 1
        return log(streams * self.policy.false_alarm_every)

    @cached_property
    def _mean(self) -> Watch:
        null = partial(lowest_mean, margin=self.policy.margin)
        return Watch(self.policy.reference_size, self.policy.bets, self._threshold, null)

    @cached_property
    def _low(self) -> Watch | None:
        if not self.policy.low_score:
            return None
        null = partial(lowest_share, margin=self.policy.low_margin)
        return Watch(self.policy.reference_size, self.policy.bets, self._threshold, null)
