"""Finds subjects whose share of blocked requests is above the permitted rate; it does not decide what follows."""

from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

from msgspec.structs import replace

from alerts.record import content_id
from alerts.signal import Signal, Statistic
from events import Category, State, SubjectKey
from policy.detectors import RepeatOffenderPolicy
from policy.ladder import LEVELS
from policy.policy import Care
from streams.detectors.decay import add, seen_from
from streams.detectors.gamma_poisson import exceedance
from streams.detectors.offence import after_block
from streams.detectors.offender_report import by_frequency, four_numbers, words
from streams.detectors.offender_state import REMEMBERED_REQUESTS, Case, OffenderState
from streams.detectors.verdict import Verdict

_BLOCKED = State.BLOCKED.value
_UNJUDGED = frozenset({State.NOT_EVALUATED.value, State.FILTER_ERROR.value})
_ABOUT_THE_ANSWER = frozenset({Category.UNGROUNDED.value, Category.IRRELEVANT.value, Category.QUALITY.value})
"""Categories that judge the model's answer: they are neither exposure nor violation of the person who asked."""


@dataclass(frozen=True)
class RepeatOffender:
    """Gamma-Poisson posterior P(block rate > permitted rate) on decayed counts of requests and violations.

    Called once per filter verdict of a subject, clean ones too. The posterior is evaluated only when a violation is
    counted. A level is signalled when it is first reached, and again after `repeat_every` further violations while at
    or above `restrict_at`; it re-arms when a violation finds the posterior below `review_at`.

    Source: detection by empirical Bayes; see streams/detectors/gamma_poisson.py and docs/detectors.md.
    """

    policy: RepeatOffenderPolicy
    care: Care
    policy_version: str

    def initial(self, key: str) -> OffenderState:
        """A subject that was never seen; `key` is `tenant|subject`."""
        return OffenderState()

    def step(self, state: OffenderState, event: Verdict) -> tuple[OffenderState, tuple[Signal, ...]]:
        """Apply one verdict of the subject."""
        if event.state in _UNJUDGED or event.category in _ABOUT_THE_ANSWER:
            return state, ()
        state = self._with_request(state, event)
        if event.state != _BLOCKED or event.category in self._excused or event.stage in self._injected_stages:
            return state, ()
        return self._with_block(state, event)

    def _with_request(self, state: OffenderState, event: Verdict) -> OffenderState:
        request = crc32(event.request_id.encode())
        if request in state.recent:
            return state
        at = event.at.timestamp()
        weight, latest = add(state.weight, state.at, at=at, half_life=self._half_life)
        since = min(at, state.since) if state.requests else at
        recent = (request, *state.recent[: REMEMBERED_REQUESTS - 1])
        return OffenderState(state.requests + 1, weight, latest, since, recent, state.case)

    def _with_block(self, state: OffenderState, event: Verdict) -> tuple[OffenderState, tuple[Signal, ...]]:
        case, is_new = after_block(
            state.case or Case(),
            event,
            gap=self._gap,
            half_life=self._half_life,
            evidence_limit=self.policy.evidence_limit,
        )
        if not is_new:
            return replace(state, case=case), ()
        probability = self._posterior(state, case)
        level = self._level(probability, case.violations)
        due = level > case.level or (level >= 2 and case.unsignalled >= self.policy.repeat_every)
        held = max(level, case.level) if level else 0
        state = replace(state, case=replace(case, level=held, unsignalled=0 if due else case.unsignalled))
        return state, (self._signal(state, event, case=case, level=level, probability=probability),) if due else ()

    def _posterior(self, state: OffenderState, case: Case) -> float:
        return exceedance(
            seen_from(case.weight, case.at, at=state.at, half_life=self._half_life),
            state.weight,
            prior_violations=self.policy.prior_violations,
            prior_requests=self.policy.prior_requests,
            rate=self.policy.permitted_rate,
        )

    def _level(self, probability: float, violations: int) -> int:
        if probability >= self.policy.block_at and violations >= self.policy.block_min_violations:
            return 3
        return (probability >= self.policy.review_at) + (probability >= self.policy.restrict_at)

    def _signal(self, state: OffenderState, event: Verdict, *, case: Case, level: int, probability: float) -> Signal:
        policy = self.policy
        name = LEVELS[level - 1]
        key = str(SubjectKey(event.tenant, event.subject))
        return Signal(
            id=content_id("sig", "repeat_offender", key, name, event.event_id),
            detector="repeat_offender",
            tenant=event.tenant,
            key=key,
            subject=event.subject,
            level=name,
            at=event.at,
            statistic=Statistic(
                name=f"P(block rate > {policy.permitted_rate:g})",
                value=probability,
                threshold=(policy.review_at, policy.restrict_at, policy.block_at)[level - 1],
            ),
            categories=tuple(Category(name) for name, _ in by_frequency(case)),
            stages=case.stages,
            evidence=case.evidence,
            numbers=four_numbers(state, case),
            policy_version=self.policy_version,
            words=words(state, case, policy=policy, probability=probability),
        )

    @cached_property
    def _half_life(self) -> float:
        return self.policy.half_life.total_seconds()

    @cached_property
    def _gap(self) -> float:
        return self.policy.violation_gap.total_seconds()

    @cached_property
    def _excused(self) -> frozenset[str]:
        return frozenset(map(str, (*self.care.categories, *self.care.injected_categories)))

    @cached_property
    def _injected_stages(self) -> frozenset[str]:
        return frozenset(map(str, self.care.injected_stages))
