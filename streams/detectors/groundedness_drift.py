"""Finds series of scores whose mean falls below their own reference; it does not judge a single answer."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from math import log, sqrt

import msgspec

from alerts.record import content_id
from alerts.signal import Expectation, Signal, Statistic
from events import Category, ScoreKey, Stage
from policy.detectors import GroundednessDriftPolicy
from streams.detectors.betting import log_wins
from streams.detectors.shiryaev_roberts import Evidence, advance, held

_EVIDENCE = 10
_LARGEST_MEAN = 0.999
"""A reference of nothing but ones would leave no room for a bet."""
_STATISTIC = "ln mean Shiryaev-Roberts"
_CATEGORIES = {"groundedness": Category.UNGROUNDED, "relevance": Category.IRRELEVANT}


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


class Fall(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The scores since their running mean was last at the null mean: Page's estimate of where a change began."""

    since: float
    """Event time of the first, epoch seconds."""
    scores: int = 0
    """How many."""
    total: float = 0.0
    """Their sum."""
    worst: tuple[str, ...] = ()
    """Event ids of the last ten below the reference, newest first."""


class DriftState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One series of scores."""

    scores: int = 0
    """Scores in the reference; it is frozen at `reference_size`."""
    mean: float = 0.0
    """Mean of the reference."""
    squares: float = 0.0
    """Sum of squared deviations from it."""
    evidence: Evidence = ()
    """ln(1 + R) per bet; empty is zero."""
    held: int = 0
    """Scores still to pass before anything is judged again after an alarm."""
    fall: Fall | None = None
    """The fall under way."""


@dataclass(frozen=True)
class GroundednessDrift:
    """Betting Shiryaev-Roberts against "the mean is at least the reference, less two standard errors and a margin".

    Called once per score. The first `reference_size` scores are the reference, and stay it. A page is raised when the
    mean of the components reaches `false_alarm_every`; the statistic then starts again at 0, against the same
    reference, after half a reference's size of scores, so that a fall that lasts is told again but not score by score.
    A reference so low that nothing is left to fall is never judged.
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
        if state.scores < self.policy.reference_size:
            return _with_reference(state, event.value), ()
        if state.held:
            return DriftState(state.scores, state.mean, state.squares, held=state.held - 1), ()
        return self._judged(state, event)

    def _judged(self, state: DriftState, event: Score) -> tuple[DriftState, tuple[Signal, ...]]:
        null_mean = self._null_mean(state)
        if null_mean <= 0.0:
            return state, ()
        wins = log_wins(event.value, null_mean, bets=self.policy.bets)
        evidence, log_mean = advance(held(state.evidence, len(wins)), wins)
        fall = _with_score(state.fall or Fall(event.at.timestamp()), event, below=state.mean)
        if log_mean < self._threshold:
            kept = fall if fall.total < null_mean * fall.scores else None
            return DriftState(state.scores, state.mean, state.squares, evidence=evidence, fall=kept), ()
        quiet = self.policy.reference_size // 2
        signal = self._signal(state, event, fall=fall, log_mean=log_mean)
        return DriftState(state.scores, state.mean, state.squares, held=quiet), (signal,)

    def _null_mean(self, state: DriftState) -> float:
        variance = state.squares / (state.scores - 1)
        lowest = state.mean - 2.0 * sqrt(variance / state.scores) - self.policy.margin
        return min(max(lowest, 0.0), _LARGEST_MEAN)

    def _signal(self, state: DriftState, event: Score, *, fall: Fall, log_mean: float) -> Signal:
        series = ScoreKey.parse(event.series)
        seen = fall.total / fall.scores
        return Signal(
            id=content_id("sig", "groundedness_drift", event.series, "page", event.event_id),
            detector="groundedness_drift",
            tenant=series.tenant,
            key=event.series,
            level="page",
            at=event.at,
            statistic=Statistic(name=_STATISTIC, value=log_mean, threshold=self._threshold),
            categories=(_CATEGORIES.get(series.metric, Category.QUALITY),),
            stages=(Stage.COMPLETION.value,),
            evidence=fall.worst,
            expectation=Expectation(expected=state.mean, seen=seen, since=datetime.fromtimestamp(fall.since, UTC)),
            policy_version=self.policy_version,
            words=(
                f"{series.tenant} {series.model} {series.metric} by {series.evaluator} {series.version}: "
                f"mean {seen:.2f} over the last {fall.scores} scores where {state.mean:.2f} is the reference, "
                f"budget one false alarm per {self.policy.false_alarm_every} scores"
            ),
        )

    @cached_property
    def _threshold(self) -> float:
        return log(self.policy.false_alarm_every)


def _with_reference(state: DriftState, value: float) -> DriftState:
    """Welford's update of mean and squares."""
    scores = state.scores + 1
    mean = state.mean + (value - state.mean) / scores
    return DriftState(scores, mean, state.squares + (value - state.mean) * (value - mean))


def _with_score(fall: Fall, event: Score, *, below: float) -> Fall:
    worst = (event.event_id, *fall.worst)[:_EVIDENCE] if event.value < below else fall.worst
    return Fall(fall.since, fall.scores + 1, fall.total + event.value, worst)
