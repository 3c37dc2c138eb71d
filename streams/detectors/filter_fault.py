"""Finds filter versions whose block rate jumps for everyone; it neither holds nor lifts what they blocked."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from math import exp2, log, sqrt

import msgspec
from msgspec.structs import replace

from alerts.record import content_id
from alerts.signal import Expectation, Signal, Statistic
from events import Category
from policy.duration import spell
from policy.filter_fault import FilterFaultPolicy
from streams.detectors.filter_fault_state import MOST_VERSIONS, FilterState, Jump, Sums, Version
from streams.detectors.negative_binomial import log_ratio, predictive_size
from streams.detectors.shiryaev_roberts import advance, held

_RECENT_HALF_LIFE = 600.0
"""Seconds after which a step weighs half in how a version does now."""
_ELEVATED = 0.5
"""Share of the threshold, in logs, from which a step is taken for a jump and not learnt."""
_NO_EVIDENCE = log(2.0)
"""ln(1 + R) at R = 1."""
_OUTLIER = 3.0
"""Standard deviations above the expectation at which a learnt count is cut off."""
_STATISTIC = "ln mean Shiryaev-Roberts"


class FilterStep(msgspec.Struct, frozen=True, gc=False):
    """What one version of a filter found in one category in one step; steps without verdicts need not be told."""

    key: str
    """`tenant|filter|provider_category`."""
    version: str
    """Empty where it is unknown."""
    start: datetime
    """Start of the step, aware."""
    evaluated: int
    """Verdicts, clean ones too."""
    blocked: int
    """Those that blocked."""
    subjects: int
    """Newly blocked subjects: those whose last block of an earlier request lies an hour back (`newly_blocked`)."""
    live_series: int
    """K: filters and categories that are being watched now; the budget is shared among them."""


@dataclass(frozen=True)
class FilterFault:
    """Mixture Shiryaev-Roberts on the number of newly blocked subjects per evaluated verdict.

    Called once per version and closed step, in order of time. A subject who is blocked again and again counts once,
    so that a few offenders are no fault, however much they send. A page is raised when the mean of the components
    reaches K times `page_every`, in steps, and at least `min_subjects` were newly blocked since the jump began. The
    version is then left alone until its blocked share is back within `tolerance` of the reference, or its rate has
    been accepted. All versions of a filter share one reference, so a new one is judged from its first step on.
    """

    policy: FilterFaultPolicy
    policy_version: str

    def initial(self, key: str) -> FilterState:
        """A filter that was never seen; `key` is `tenant|filter|provider_category`."""
        return FilterState()

    def step(self, state: FilterState, event: FilterStep) -> tuple[FilterState, tuple[Signal, ...]]:
        """Apply one step of one version."""
        at = int(event.start.timestamp())
        version = next((one for one in state.versions if one.name == event.version), Version(event.version, -1))
        if event.evaluated <= 0 or at <= version.at:
            return state, ()
        version = self._rolled(version, event, at=at)
        if state.learnt < self._time_to_learn or state.usual.evaluated < self.policy.cold_start_verdicts:
            return self._learnt(_with(state, version), event, at=at), ()
        if version.told:
            return self._after_page(state, version, event=event), ()
        return self._judged(state, version, event=event)

    def _judged(
        self, state: FilterState, version: Version, *, event: FilterStep
    ) -> tuple[FilterState, tuple[Signal, ...]]:
        mean = self._rate(state) * event.evaluated
        ratios = self._log_ratios(event.subjects, mean, error=1.0 / sqrt(state.usual.subjects + 1.0))
        evidence, log_mean = advance(held(version.evidence, len(ratios)), ratios)
        threshold = self._threshold(event.live_series)
        jump = _further(version.jump or Jump(version.at), event, expected=mean)
        if log_mean >= threshold and jump.seen.subjects >= self.policy.min_subjects:
            told = replace(version, evidence=(), jump=None, frozen=self._step, told=True)
            crossed = Statistic(name=_STATISTIC, value=log_mean, threshold=threshold)
            return _with(state, told), (self._signal(event, jump, crossed=crossed, usual=state.usual),)
        is_calm = max(evidence) < _NO_EVIDENCE
        is_elevated = not is_calm and (version.frozen > 0 or log_mean >= threshold * _ELEVATED)
        version = replace(
            version,
            evidence=evidence,
            jump=jump if jump.seen.subjects > self._clear_jump * jump.expected else None,
            frozen=version.frozen + self._step if is_elevated else 0,
        )
        if version.frozen > self._accepted_after:
            return self._accepted(state, version), ()
        return (_with(state, version) if is_elevated else self._learnt(_with(state, version), event, at=version.at)), ()

    def _after_page(self, state: FilterState, version: Version, *, event: FilterStep) -> FilterState:
        """A told jump is over when the blocked share is usual again; one that stays becomes usual."""
        if version.frozen > self._accepted_after:
            return self._accepted(state, version)
        usual = (state.usual.blocked + 1.0) / state.usual.evaluated
        if version.recent.rate <= self.policy.tolerance * usual:
            calm = replace(version, frozen=0, told=False)
            return self._learnt(_with(state, calm), event, at=version.at)
        return _with(state, replace(version, frozen=version.frozen + self._step))

    def _accepted(self, state: FilterState, version: Version) -> FilterState:
        """The reference becomes what the version does now."""
        return replace(_with(state, Version(version.name, version.at, recent=version.recent)), usual=version.recent)

    def _rolled(self, version: Version, event: FilterStep, *, at: int) -> Version:
        kept = exp2(-max(at - version.at, 0) / _RECENT_HALF_LIFE) if version.at >= 0 else 0.0
        recent = version.recent.plus(event.evaluated, event.blocked, event.subjects, kept=kept)
        return replace(version, at=at, recent=recent)

    def _learnt(self, state: FilterState, event: FilterStep, *, at: int) -> FilterState:
        """Learn the step, cut off where an outlier begins; in the cold start nothing is known to cut off by."""
        subjects, blocked = float(event.subjects), float(event.blocked)
        if state.learnt >= self._time_to_learn and event.subjects:
            mean = self._rate(state) * event.evaluated
            most = mean + _OUTLIER * sqrt(mean + mean * mean / self.policy.dispersion)
            cut = min(1.0, most / subjects)
            subjects, blocked = subjects * cut, blocked * cut
        ahead = max(at - state.at, 0) if state.at else 0
        usual = state.usual.plus(event.evaluated, blocked, subjects, kept=exp2(-ahead / self._half_life))
        step = self._step if ahead or not state.at else 0
        return replace(state, at=max(at, state.at), learnt=state.learnt + step, usual=usual)

    def _rate(self, state: FilterState) -> float:
        """Newly blocked subjects per evaluated verdict; one more than seen, so that it is never nothing."""
        return (state.usual.subjects + 1.0) / state.usual.evaluated

    def _log_ratios(self, count: int, mean: float, *, error: float) -> list[float]:
        size = predictive_size(self.policy.dispersion, error)
        null = mean * self.policy.tolerance
        return [log_ratio(count, null, size=size, multiplier=times) for times in self.policy.multipliers]

    def _threshold(self, live_series: int) -> float:
        """ln(K * D); K is rounded up to a power of two so that it does not wander."""
        series = 1 << max(0, live_series - 1).bit_length()
        return log(series * (self.policy.page_every / self.policy.step))

    def _signal(self, event: FilterStep, jump: Jump, *, crossed: Statistic, usual: Sums) -> Signal:
        tenant, name, category = event.key.split("|")
        label = f"{name}@{event.version}" if event.version else name
        since, seen = datetime.fromtimestamp(jump.since, UTC), jump.seen
        return Signal(
            id=content_id("sig", "filter_fault", event.key, event.version, event.start.astimezone(UTC).isoformat()),
            detector="filter_fault",
            tenant=tenant,
            key=event.key,
            level="page",
            at=event.start,
            statistic=crossed,
            categories=tuple(one for one in Category if one == category),
            filters=(label,),
            expectation=Expectation(expected=usual.rate, seen=seen.rate, since=since),
            policy_version=self.policy_version,
            words=(
                f"{tenant} {label} {category}: {seen.rate:.2%} of {seen.evaluated:.0f} verdicts blocked since "
                f"{since:%Y-%m-%d %H:%M} UTC where {usual.rate:.2%} is usual, and not by a few: {seen.subjects:.0f} "
                f"subjects newly blocked where {jump.expected:.1f} were expected, "
                f"page budget one per {spell(self.policy.page_every)}"
            ),
        )

    @cached_property
    def _clear_jump(self) -> float:
        """By what factor a jump is told from a rate that is only tolerated: halfway to the smallest listened for."""
        return self.policy.tolerance * sqrt(min(self.policy.multipliers))

    @cached_property
    def _step(self) -> int:
        return round(self.policy.step.total_seconds())

    @cached_property
    def _half_life(self) -> float:
        return self.policy.half_life.total_seconds()

    @cached_property
    def _time_to_learn(self) -> float:
        return self.policy.cold_start.total_seconds()

    @cached_property
    def _accepted_after(self) -> float:
        return self.policy.accepted_after.total_seconds()


def _with(state: FilterState, version: Version) -> FilterState:
    others = [one for one in state.versions if one.name != version.name]
    return replace(state, versions=(version, *others)[:MOST_VERSIONS])


def _further(jump: Jump, event: FilterStep, *, expected: float) -> Jump:
    seen = jump.seen.plus(event.evaluated, event.blocked, event.subjects)
    return Jump(jump.since, seen, jump.expected + expected)
