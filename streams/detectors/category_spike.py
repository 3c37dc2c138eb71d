"""Finds series of counts that rise above what they should show; it names the rise, not its cause."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from math import log
from typing import Literal

import msgspec

from alerts.signal import Signal
from policy.detectors import CategorySpikePolicy
from streams.detectors.negative_binomial import log_ratio, predictive_size
from streams.detectors.seasonal_baseline import Baseline, Forecast, SeasonalBaseline
from streams.detectors.shiryaev_roberts import Evidence, advance, nothing
from streams.detectors.spike_report import Rise, report

_FREEZE_AT_MOST = 12 * 3600
"""Seconds after which a rise that stayed becomes the new normal."""


class StepCount(msgspec.Struct, frozen=True, gc=False):
    """The count of one series in one step; every step of a series is told, zeros too."""

    series: str
    """`str(SeriesKey)`."""
    start: datetime
    """Start of the step, aware."""
    count: int
    """Flagged verdicts in the step."""
    live_series: int
    """K: series that are being watched now; the budget is shared among them."""


class SpikeState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One series."""

    baseline: Baseline | None = None
    """What was learnt; null before the first step."""
    evidence: Evidence = ()
    """ln(1 + R) per multiplier; empty is zero."""
    ticketed: bool = False
    """A ticket was raised since the statistic was last below 1."""
    frozen: int = 0
    """Seconds for which nothing was learnt, because the statistic is elevated."""
    since: int = 0
    """Where the present rise began, epoch seconds."""
    seen: int = 0
    """Counts since then."""
    expected: float = 0.0
    """Expected counts since then."""


@dataclass(frozen=True)
class CategorySpike:
    """Mixture Shiryaev-Roberts on negative-binomial likelihood ratios over a seasonal baseline.

    Called once per step of a series, in order. A ticket is raised when the mean of the components reaches K times
    `ticket_every`, a page when it reaches K times `page_every`, both in steps, K rounded up to a power of two. After a
    page the statistic starts again at 0; a ticket re-arms when it falls below 1. A step not after the last one changes
    nothing. An open step may be tried at any time: what its count so far raises, the closed step raises too, or a page
    instead of a ticket.
    """

    policy: CategorySpikePolicy
    policy_version: str

    def initial(self, key: str) -> SpikeState:
        """A series that was never seen; `key` is `str(SeriesKey)`."""
        return SpikeState()

    def step(self, state: SpikeState, event: StepCount) -> tuple[SpikeState, tuple[Signal, ...]]:
        """Apply one step's count."""
        at = int(event.start.timestamp())
        if state.baseline is None:
            return SpikeState(self._season.learnt(Baseline(at), event.count)), ()
        if at <= state.baseline.at:
            return state, ()
        baseline = self._season.rolled(state.baseline, at)
        if baseline.steps < self._steps_to_learn:
            return SpikeState(self._season.learnt(baseline, event.count)), ()
        return self._judged(state, baseline, event)

    def _judged(self, state: SpikeState, baseline: Baseline, event: StepCount) -> tuple[SpikeState, tuple[Signal, ...]]:
        forecast = self._season.forecast(baseline)
        evidence, log_mean = advance(state.evidence or self._nothing, self._log_ratios(event.count, forecast))
        ticket_at, page_at = self._thresholds(event.live_series)
        level = self._level(log_mean, ticket_at=ticket_at, page_at=page_at)
        is_calm = log_mean < 0.0
        is_first = not state.evidence
        rise = Rise(
            since=baseline.at if is_first else state.since,
            seen=event.count + (0 if is_first else state.seen),
            expected=forecast.mean + (0.0 if is_first else state.expected),
            log_mean=log_mean,
            threshold=page_at if level == "page" else ticket_at,
        )
        ...
