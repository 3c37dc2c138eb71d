"""Finds series of counts that rise above what they should show; it names the rise, not its cause."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from math import log

import msgspec
from msgspec.structs import replace

from alerts.record import content_id
from alerts.signal import Expectation, SeriesLevel, Signal, Statistic
from events import Category, SeriesKey
from policy.detectors import CategorySpikePolicy
from streams.detectors.negative_binomial import log_ratio, predictive_size
from streams.detectors.seasonal_baseline import Baseline, Forecast, SeasonalBaseline
from streams.detectors.shiryaev_roberts import Evidence, advance, held
from streams.detectors.spike_report import Rise, words

_FREEZE_AT_MOST = 12 * 3600
"""Seconds after which a rise that stayed becomes the new normal."""

_ELEVATED = 0.5
"""Share of the ticket's threshold, in logs, from which a step is taken for a rise and not learnt."""
_NO_EVIDENCE = log(2.0)
"""ln(1 + R) at R = 1: a rise is over when every component is below it."""
_STATISTIC = "ln mean Shiryaev-Roberts"


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

    baseline: Baseline = Baseline(0)
    """What was learnt; nothing before the first step."""
    evidence: Evidence = ()
    """ln(1 + R) per multiplier; empty is zero."""
    ticketed: bool = False
    """A ticket or page was raised in this rise."""
    frozen: int = 0
    """Seconds for which nothing was learnt, because the statistic is elevated."""
    rise: Rise | None = None
    """The rise under way; it began when counts were last within tolerance: Page's estimate of where a change began."""


@dataclass(frozen=True)
class CategorySpike:
    """Mixture Shiryaev-Roberts on negative-binomial likelihood ratios over a seasonal baseline.

    Called once per step of a series, in order. A ticket is raised when the mean of the components reaches K times
    `ticket_every`, a page when it reaches K times `page_every`, both in steps, K rounded up to a power of two. After a
    page the statistic starts again at 0; a ticket re-arms when every component is below 1. A step not after the last
    one changes nothing; after a gap longer than `half_life` the series starts anew. An open step may be tried at any
    time: what its count so far raises, the closed step raises too, or a page instead of a ticket.
    """

    policy: CategorySpikePolicy
    policy_version: str

    def initial(self, key: str) -> SpikeState:
        """A series that was never seen; `key` is `str(SeriesKey)`."""
        return SpikeState()

    def step(self, state: SpikeState, event: StepCount) -> tuple[SpikeState, tuple[Signal, ...]]:
        """Apply one step's count."""
        at = int(event.start.timestamp())
        if not state.baseline.steps or at - state.baseline.at > self._season.half_life:
            return SpikeState(self._season.learnt(Baseline(at), event.count)), ()
        if at <= state.baseline.at:
            return state, ()
        baseline = self._season.rolled(state.baseline, at)
        if baseline.steps < self._steps_to_learn:
            return SpikeState(self._season.learnt(baseline, event.count)), ()
        return self._judged(state, event, baseline=baseline)

    def _judged(
        self, state: SpikeState, event: StepCount, *, baseline: Baseline
    ) -> tuple[SpikeState, tuple[Signal, ...]]:
        forecast = self._season.forecast(baseline)
        ratios = self._log_ratios(event.count, forecast)
        evidence, log_mean = advance(held(state.evidence, len(ratios)), ratios)
        ticket_at, page_at = self._thresholds(event.live_series)
        rise = (state.rise or Rise(baseline.at)).with_step(event.count, forecast.mean)
        is_page = log_mean >= page_at
        is_ticket = log_mean >= ticket_at and not state.ticketed and not is_page
        is_calm = max(evidence) < _NO_EVIDENCE
        is_elevated = not is_calm and (state.frozen > 0 or log_mean >= ticket_at * _ELEVATED)
        judged = SpikeState(
            baseline,
            evidence=() if is_page else evidence,
            ticketed=not is_calm and (state.ticketed or is_ticket or is_page),
            frozen=state.frozen + round(self._season.step) if is_elevated else 0,
            rise=None if is_page or rise.seen <= self.policy.tolerance * rise.expected else rise,
        )
        learnt = self._learnt(judged, count=event.count, forecast=forecast)
        if not (is_page or is_ticket):
            return learnt, ()
        crossed = Statistic(name=_STATISTIC, value=log_mean, threshold=page_at if is_page else ticket_at)
        return learnt, (self._signal(event, rise, crossed=crossed, level="page" if is_page else "ticket"),)

    def _learnt(self, state: SpikeState, *, count: int, forecast: Forecast) -> SpikeState:
        """Learn the step, unless it belongs to a rise; a rise that stays is learnt, and no longer one."""
        season, baseline = self._season, state.baseline
        if state.frozen > _FREEZE_AT_MOST:
            return SpikeState(season.learnt(season.distrusted(baseline) if state.ticketed else baseline, count))
        if state.frozen:
            return state
        return replace(state, baseline=season.learnt(baseline, season.plausible(forecast, count)))

    def _log_ratios(self, count: int, forecast: Forecast) -> list[float]:
        mean = forecast.mean * forecast.rise * self.policy.tolerance
        size = predictive_size(self.policy.dispersion, forecast.error)
        return [log_ratio(count, mean, size=size, multiplier=times) for times in self.policy.multipliers]

    def _thresholds(self, live_series: int) -> tuple[float, float]:
        """ln(K * D) of ticket and page; K is rounded up so that the thresholds do not wander with it."""
        series = 1 << max(0, live_series - 1).bit_length()
        ticket, page = self.policy.ticket_every / self.policy.step, self.policy.page_every / self.policy.step
        return log(series * ticket), log(series * page)

    def _signal(self, event: StepCount, rise: Rise, *, crossed: Statistic, level: SeriesLevel) -> Signal:
        series = SeriesKey.parse(event.series)
        steps = rise.steps
        return Signal(
            id=content_id("sig", "category_spike", event.series, level, event.start.astimezone(UTC).isoformat()),
            detector="category_spike",
            tenant=series.tenant,
            key=event.series,
            level=level,
            at=event.start,
            statistic=crossed,
            categories=tuple(category for category in Category if category == series.provider_category),
            stages=(series.stage,),
            expectation=Expectation(
                expected=rise.expected / steps, seen=rise.seen / steps, since=datetime.fromtimestamp(rise.since, UTC)
            ),
            policy_version=self.policy_version,
            words=words(series, rise, policy=self.policy, level=level),
        )

    @cached_property
    def _season(self) -> SeasonalBaseline:
        policy = self.policy
        return SeasonalBaseline(
            step=policy.step.total_seconds(),
            half_life=policy.half_life.total_seconds(),
            size=policy.dispersion,
            minimum_mean=policy.minimum_mean,
        )

    @cached_property
    def _steps_to_learn(self) -> float:
        return self.policy.cold_start / self.policy.step
