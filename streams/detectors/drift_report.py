"""What a drift says to people: the signal of one crossing, in numbers and in one sentence; it judges nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime

from alerts.record import content_id
from alerts.signal import Expectation, Signal, Statistic
from events import Category, ScoreKey, Stage
from policy.groundedness_drift import GroundednessDriftPolicy
from streams.detectors.score_stream import Crossing

_CATEGORIES = {"groundedness": Category.UNGROUNDED, "relevance": Category.IRRELEVANT}
"""Any other metric is a matter of quality."""


@dataclass(frozen=True)
class Drift:
    """One crossing of one series."""

    series: str
    event_id: str
    at: datetime
    since: float
    """Event time of the series' first score, epoch seconds; 0: not known."""
    crossing: Crossing
    low: float | None
    """The score below which scores are low, where it was their share that crossed."""
    threshold: float
    policy: GroundednessDriftPolicy

    @property
    def statistic(self) -> str:
        """Names the stream that crossed."""
        return (
            "ln mean Shiryaev-Roberts" if self.low is None else f"ln mean Shiryaev-Roberts of scores below {self.low:g}"
        )


def signal_of(drift: Drift, *, policy_version: str) -> Signal:
    """The page. Its id depends on series, stream and the score at which the statistic crossed, and on nothing else."""
    series, stream = ScoreKey.parse(drift.series), () if drift.low is None else ("low",)
    return Signal(
        id=content_id("sig", "groundedness_drift", drift.series, "page", *stream, drift.event_id),
        detector="groundedness_drift",
        tenant=series.tenant,
        key=drift.series,
        level="page",
        at=drift.at,
        statistic=Statistic(name=drift.statistic, value=drift.crossing.log_mean, threshold=drift.threshold),
        categories=(_CATEGORIES.get(series.metric, Category.QUALITY),),
        stages=(Stage.COMPLETION.value,),
        filters=(series.evaluator if series.version == "-" else f"{series.evaluator}@{series.version}",),
        evidence=drift.crossing.fall.worst,
        expectation=_expectation(drift),
        policy_version=policy_version,
        words=_words(drift, series),
    )


def _expectation(drift: Drift) -> Expectation:
    """Means, or shares of low scores where those crossed."""
    reference, fall, _ = drift.crossing
    expected, seen = reference, fall.total / fall.scores
    if drift.low is not None:
        expected, seen = 1.0 - expected, 1.0 - seen
    return Expectation(expected=expected, seen=seen, since=datetime.fromtimestamp(fall.since, UTC))


def _words(drift: Drift, series: ScoreKey) -> str:
    judge = series.evaluator if series.version == "-" else f"{series.evaluator} {series.version}"
    since = f" since {datetime.fromtimestamp(drift.since, UTC):%Y-%m-%d}" if drift.since else ""
    scores = drift.crossing.fall.scores
    return (
        f"{series.tenant} {series.model} {series.metric} by {judge}: {_found(drift)} over the last {scores} scores; "
        f"the reference is this judge's first {drift.policy.reference_size} scores{since}; "
        f"budget one false alarm per {drift.policy.false_alarm_every} scores"
    )


def _found(drift: Drift) -> str:
    expectation, (lowest, highest) = _expectation(drift), drift.crossing.fall.interval
    if drift.low is None:
        between = f"(95 % between {lowest:.2f} and {highest:.2f})"
        return f"mean {expectation.seen:.2f} {between} where {expectation.expected:.2f} is the reference"
    seen, least, most, expected = (100.0 * x for x in (expectation.seen, 1 - highest, 1 - lowest, expectation.expected))
    between = f"(95 % between {least:.1f} and {most:.1f} %)"
    return f"{seen:.1f} % of scores below {drift.low:g} {between} where {expected:.1f} % is the reference"
