"""Finds tenants, providers and topics whose events stop; it does not know why, and does not see that they rise."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from math import exp2, log

import msgspec
from msgspec.structs import replace

from alerts.record import content_id
from alerts.signal import Expectation, SeriesLevel, Signal, Statistic
from policy.duration import spell
from policy.silence import SilencePolicy
from streams.detectors.negative_binomial import log_ratio, predictive_size
from streams.detectors.shiryaev_roberts import Evidence, advance, held
from streams.detectors.usual_activity import Activity, Usual, UsualActivity

INSTALLATION = "watchfloor"
"""The tenant of what concerns no single tenant."""
_NO_EVIDENCE = log(2.0)
"""ln(1 + R) at R = 1."""
_LEAST = 1e-3
"""What silence leaves, so that its likelihood ratio is finite however many events came."""
_STATISTIC = "ln mean Shiryaev-Roberts of a fall"


class ActivityStep(msgspec.Struct, frozen=True, gc=False):
    """The events of one activity in one step; every step is told, zeros too, as long as time passes."""

    key: str
    """`activity|tenant`, `activity|tenant|provider`, or `activity||topic`, which concerns all tenants."""
    start: datetime
    """Start of the step, aware."""
    events: int
    live_series: int
    """K: activities that are being watched now; the budget is shared among them."""


class Fall(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was seen and expected since events were last within tolerance."""

    since: int
    """Start of its first step, epoch seconds: Page's estimate of where a change began."""
    seen: int = 0
    expected: float = 0.0

    def with_step(self, events: int, expected: float) -> "Fall":
        """The fall one step further."""
        return Fall(self.since, self.seen + events, self.expected + expected)

    @property
    def depth(self) -> float:
        """Events that are missing."""
        return self.expected - self.seen


class SilenceState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One activity."""

    usual: Activity = Activity(0)
    """What was learnt; nothing before the first step."""
    evidence: Evidence = ()
    """ln(1 + R) per remainder; empty is zero."""
    fall: Fall | None = None
    """The fall under way."""
    deepest: float = 0.0
    """Events missing in the deepest fall that it recovered from and that was not told; fades."""
    frozen: int = 0
    """Seconds for which nothing was learnt, because a fall was told and lasts."""


@dataclass(frozen=True)
class Silence:
    """Mixture Shiryaev-Roberts on negative-binomial likelihood ratios of a fall, over a seasonal baseline.

    Called once per closed step of an activity, in order. Less than `tolerance` times the least that this hour, the
    one before and the one after should show is a fall. It is told, as a ticket for a tenant or provider and as a page
    for a topic, when the mean of the components reaches K times `ticket_every` or `page_every`, in steps, and the fall
    is `longer_than_known`; once, until the evidence is gone. An activity that expects little gathers evidence as
    slowly: no silence is told before about twice ln(K D) expected events stayed out. A step not after the last one
    changes nothing; after a gap longer than `half_life` the activity starts anew.
    """

    policy: SilencePolicy
    policy_version: str

    def initial(self, key: str) -> SilenceState:
        """An activity that was never seen; `key` is that of its steps."""
        return SilenceState()

    def step(self, state: SilenceState, event: ActivityStep) -> tuple[SilenceState, tuple[Signal, ...]]:
        """Apply one step's events."""
        at, known = int(event.start.timestamp()), state.usual
        if not known.since or at - known.at > self._usual.half_life:
            return SilenceState(self._usual.learnt(Activity(at), event.events)), ()
        if at <= known.at:
            return state, ()
        state = replace(
            state,
            usual=self._usual.rolled(known, at),
            deepest=state.deepest * exp2(-(at - known.at) / self._usual.half_life),
        )
        usual = self._usual.least(state.usual)
        state = self._with_fall(state, event.events, expected=usual.mean)
        if at - known.since < self.policy.cold_start.total_seconds():
            return self._learnt(state, event.events), ()
        return self._judged(state, event, usual=usual)

    def _judged(
        self, state: SilenceState, event: ActivityStep, *, usual: Usual
    ) -> tuple[SilenceState, tuple[Signal, ...]]:
        burst = self._usual.burst(state.usual)
        ratios = self._log_ratios(event.events, usual, burst=burst)
        evidence, log_mean = advance(held(state.evidence, len(ratios)), ratios)
        state = replace(state, evidence=evidence)
        if state.frozen:
            return self._after_alarm(state, event), ()
        level: SeriesLevel = "page" if event.key.startswith("activity||") else "ticket"
        threshold = self._threshold(event.live_series, level)
        fall = state.fall
        if log_mean < threshold or fall is None or fall.depth < self._depth_told(state, threshold * burst):
            return self._learnt(state, event.events), ()
        crossed = Statistic(name=_STATISTIC, value=log_mean, threshold=threshold)
        signal = self._signal(event, fall, crossed=crossed, level=level)
        return replace(state, frozen=self._seconds), (signal,)

    def _depth_told(self, state: SilenceState, least: float) -> float:
        """How many events must be missing: more than in any fall that is known, and as many as the evidence takes."""
        return max(self.policy.longer_than_known * state.deepest, least / self.policy.tolerance)

    def _after_alarm(self, state: SilenceState, event: ActivityStep) -> SilenceState:
        """A told fall is over when its evidence is gone; after one that stays everything is learnt anew."""
        if max(state.evidence) < _NO_EVIDENCE:
            return self._learnt(replace(state, fall=None, frozen=0), event.events)
        if state.frozen > self.policy.accepted_after.total_seconds():
            return SilenceState(self._usual.learnt(Activity(state.usual.at), event.events))
        return replace(state, frozen=state.frozen + self._seconds)

    def _with_fall(self, state: SilenceState, events: int, *, expected: float) -> SilenceState:
        """The fall with this step; one that has recovered by itself tells how deep a fall may be."""
        fall = (state.fall or Fall(state.usual.at)).with_step(events, expected)
        if fall.seen < self.policy.tolerance * fall.expected:
            return replace(state, fall=fall)
        known = state.fall.depth if state.fall and not state.frozen else 0.0
        return replace(state, fall=None, deepest=max(state.deepest, known))

    def _learnt(self, state: SilenceState, events: int) -> SilenceState:
        return replace(state, usual=self._usual.learnt(state.usual, events))

    def _log_ratios(self, events: int, usual: Usual, *, burst: float) -> list[float]:
        """As if `burst` events were one: what comes together tells no more than one."""
        mean = self.policy.tolerance * usual.mean
        size = predictive_size(self.policy.dispersion, usual.error) * burst
        left = [max(one, _LEAST) for one in self.policy.remainders]
        return [log_ratio(events, mean, size=size, multiplier=one) / burst for one in left]

    def _threshold(self, live_series: int, level: SeriesLevel) -> float:
        """ln(K * D); K is rounded up to a power of two so that it does not wander."""
        every = self.policy.page_every if level == "page" else self.policy.ticket_every
        series = 1 << max(0, live_series - 1).bit_length()
        return log(series * (every / self.policy.step))

    def _signal(self, event: ActivityStep, fall: Fall, *, crossed: Statistic, level: SeriesLevel) -> Signal:
        _, tenant, *what = event.key.split("|")
        at, since = event.start, datetime.fromtimestamp(fall.since, UTC)
        steps = (at - since) / self.policy.step + 1
        every = spell(self.policy.page_every if level == "page" else self.policy.ticket_every)
        return Signal(
            id=content_id("sig", "silence", event.key, level, at.astimezone(UTC).isoformat()),
            detector="silence",
            tenant=tenant or INSTALLATION,
            key=event.key,
            level=level,
            at=at,
            statistic=crossed,
            expectation=Expectation(expected=fall.expected / steps, seen=fall.seen / steps, since=since),
            policy_version=self.policy_version,
            words=(
                f"{' '.join(one for one in (tenant, *what) if one)}: {_amount(fall.seen)} since "
                f"{since:%Y-%m-%d %H:%M} UTC where at least {fall.expected:.0f} were expected, "
                f"{level} budget one per {every}"
            ),
        )

    @cached_property
    def _usual(self) -> UsualActivity:
        policy = self.policy
        return UsualActivity(self._seconds, policy.half_life.total_seconds(), policy.dispersion)

    @cached_property
    def _seconds(self) -> int:
        return round(self.policy.step.total_seconds())


def _amount(events: int) -> str:
    return "no events" if not events else "1 event" if events == 1 else f"{events} events"
