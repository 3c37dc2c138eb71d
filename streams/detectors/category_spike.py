"""Finds series of counts that rise above what they should show, and tells what a rise consists of, not why it came."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from math import log

import msgspec
from msgspec.structs import replace

from alerts.record import content_id
from alerts.signal import Attribution, Expectation, SeriesLevel, Signal, Statistic
from events import Category, SeriesKey
from events.keys import EVERYTHING
from policy.category_spike import CategorySpikePolicy
from policy.duration import spell
from streams.detectors.attribution import Former, Parts, absorbed, attribution, explained_by_child
from streams.detectors.learnt_baseline import Learnt, LearntBaseline
from streams.detectors.negative_binomial import log_ratio, predictive_size
from streams.detectors.seasonal_baseline import Baseline, Forecast
from streams.detectors.shiryaev_roberts import Evidence, advance, held
from streams.detectors.spike_report import Rise, words

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
    """K: series that are being watched now, times step lengths; the budget is shared among them."""
    parts: dict[str, dict[str, int]] = {}
    """Dimension → value → count, as `attribution.tally` counts; empty where nobody counted by value."""


class SpikeState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One series in steps of one length."""

    baseline: Learnt = Learnt()
    """What was learnt; nothing before the first step."""
    evidence: Evidence = ()
    """ln(1 + R) per multiplier; empty is zero."""
    ticketed: bool = False
    """A ticket or page was raised in this rise."""
    frozen: int = 0
    """Seconds for which nothing was learnt, because the statistic is elevated."""
    rise: Rise | None = None
    """The rise under way; it began where its CUSUM was last 0: Page's estimate of where a change began."""
    former: Former = Former()
    """What the counts outside of rises consisted of."""


@dataclass(frozen=True)
class CategorySpike:
    """Mixture Shiryaev-Roberts on negative-binomial likelihood ratios over a learnt baseline, in steps of one length.

    Called once per step of a series, in order. A ticket is raised when the mean of the components reaches K times
    `ticket_every`, a page when it reaches K times `page_every`, both in steps, K rounded up to a power of two. After a
    page the statistic starts again at 0; a ticket re-arms when every component is below 1. A step not after the last
    one changes nothing; after a gap longer than `half_life` the series starts anew. An open step may be tried at any
    time: what its count so far raises, the closed step raises too, or a page instead of a ticket. A sum of series is
    silent where one of them explains its excess and answers for itself; so its open steps must not be tried.
    """

    policy: CategorySpikePolicy
    policy_version: str
    length: timedelta = timedelta(minutes=5)

    def initial(self, key: str) -> SpikeState:
        """A series that was never seen; `key` is `str(SeriesKey)`."""
        return SpikeState()

    def step(self, state: SpikeState, event: StepCount) -> tuple[SpikeState, tuple[Signal, ...]]:
        """Apply one step's count."""
        at = int(event.start.timestamp())
        young = state.baseline.young
        if not young.steps or at - young.at > self.policy.half_life.total_seconds():
            return self._unjudged(SpikeState(Learnt(Baseline(at))), event), ()
        if at <= young.at:
            return state, ()
        rolled = replace(state, baseline=self._baseline.rolled(state.baseline, at, series=event.series))
        if rolled.baseline.young.steps < self._steps_to_learn:
            return self._unjudged(rolled, event), ()
        return self._judged(rolled, event)

    def _unjudged(self, state: SpikeState, event: StepCount) -> SpikeState:
        baseline = self._baseline.begun(state.baseline, event.count)
        return SpikeState(baseline, former=self._absorbed(state, event.parts, event.count))

    def _judged(self, state: SpikeState, event: StepCount) -> tuple[SpikeState, tuple[Signal, ...]]:
        forecast = self._baseline.forecast(state.baseline)
        ratios = self._log_ratios(event.count, forecast)
        evidence, log_mean = advance(held(state.evidence, len(ratios)), ratios)
        ticket_at, page_at = self._thresholds(event.live_series)
        before = state.rise or Rise(state.baseline.young.at)
        rise = before.with_step(event.count, forecast, log_ratio=ratios[self._smallest], parts=event.parts)
        is_page = log_mean >= page_at
        is_ticket = log_mean >= ticket_at and not state.ticketed and not is_page
        is_calm = max(evidence) < _NO_EVIDENCE
        is_elevated = not is_calm and (state.frozen > 0 or log_mean >= ticket_at * self.policy.freeze_share)
        is_over = rise.log_ratio <= 0.0
        judged = SpikeState(
            state.baseline,
            evidence=() if is_page else evidence,
            ticketed=not is_calm and (state.ticketed or is_ticket or is_page),
            frozen=state.frozen + self._seconds if is_elevated else 0,
            rise=None if is_page or is_over else rise,
            former=self._absorbed(state, rise.parts, rise.seen) if is_over else state.former,
        )
        learnt = self._learnt(judged, event, forecast=forecast, rise=rise)
        if not (is_page or is_ticket):
            return learnt, ()
        crossed = Statistic(name=_STATISTIC, value=log_mean, threshold=page_at if is_page else ticket_at)
        return learnt, self._signals(event, rise, former=state.former, crossed=crossed, is_page=is_page)

    def _learnt(self, state: SpikeState, event: StepCount, *, forecast: Forecast, rise: Rise) -> SpikeState:
        """Learn the step, unless it belongs to a rise; a rise that stays is learnt, and no longer one."""
        if state.frozen > self.policy.freeze.total_seconds():
            if not state.ticketed:
                return SpikeState(self._baseline.begun(state.baseline, event.count), former=state.former)
            moved = self._baseline.moved(state.baseline, times=rise.seen / rise.expected, count=event.count)
            return SpikeState(moved, former=state.former)
        if state.frozen:
            return replace(state, baseline=self._baseline.followed(state.baseline, forecast, event.count))
        return replace(state, baseline=self._baseline.learnt(state.baseline, forecast, event.count))

    def _absorbed(self, state: SpikeState, parts: Parts, count: int) -> Former:
        if not parts:
            return state.former
        half_life = self.policy.half_life.total_seconds()
        return absorbed(state.former, parts, count, at=state.baseline.young.at, half_life=half_life)

    def _log_ratios(self, count: int, forecast: Forecast) -> list[float]:
        mean = forecast.mean * forecast.rise * self.policy.tolerance
        size = predictive_size(forecast.size, forecast.error)
        return [log_ratio(count, mean, size=size, multiplier=times) for times in self.policy.multipliers]

    def _thresholds(self, live_series: int) -> tuple[float, float]:
        """ln(K * D) of ticket and page; K is rounded up so that the thresholds do not wander with it."""
        series = 1 << max(0, live_series - 1).bit_length()
        return log(series * self._ticket_steps), log(series * self._page_steps)

    def _signals(
        self, event: StepCount, rise: Rise, *, former: Former, crossed: Statistic, is_page: bool
    ) -> tuple[Signal, ...]:
        series, policy = SeriesKey.parse(event.series), self.policy
        found = attribution(
            rise.parts, former, seen=rise.seen, expected=rise.expected, campaign_share=policy.campaign_share
        )
        if series.is_aggregate and found and explained_by_child(found, former, share=policy.child_share):
            return ()
        return (self._signal(event, rise, found=found, crossed=crossed, level="page" if is_page else "ticket"),)

    def _signal(
        self, event: StepCount, rise: Rise, *, found: Attribution | None, crossed: Statistic, level: SeriesLevel
    ) -> Signal:
        series, policy = SeriesKey.parse(event.series), self.policy
        length, start = spell(self.length), event.start.astimezone(UTC)
        every = spell(policy.page_every if level == "page" else policy.ticket_every)
        steps = rise.steps
        return Signal(
            id=content_id("sig", "category_spike", event.series, level, length, start.isoformat()),
            detector="category_spike",
            tenant=series.tenant,
            key=event.series,
            level=level,
            at=event.start,
            statistic=crossed,
            categories=tuple(category for category in Category if category == series.provider_category),
            stages=() if series.stage == EVERYTHING else (series.stage,),
            filters=rise.filters,
            expectation=Expectation(
                expected=rise.expected / steps, seen=rise.seen / steps, since=datetime.fromtimestamp(rise.since, UTC)
            ),
            multiplier=rise.times,
            attribution=found,
            policy_version=self.policy_version,
            words=words(series, rise, length=self.length, found=found, budget=f"{level} budget one per {every}"),
        )

    @cached_property
    def _baseline(self) -> LearntBaseline:
        return LearntBaseline(self.policy, self.length)

    @cached_property
    def _smallest(self) -> int:
        return self.policy.multipliers.index(min(self.policy.multipliers))

    @cached_property
    def _seconds(self) -> int:
        return round(self.length.total_seconds())

    @cached_property
    def _steps_to_learn(self) -> float:
        return self.policy.cold_start / self.length

    @cached_property
    def _ticket_steps(self) -> float:
        return self.policy.ticket_every / self.length

    @cached_property
    def _page_steps(self) -> float:
        return self.policy.page_every / self.length
