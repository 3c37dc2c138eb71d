"""Finds people (or sessions) whose share of blocked requests is too high, or who turned; what follows is not its."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from dataclasses import replace as with_changes
from functools import cached_property
from math import exp2
from typing import Literal
from zlib import crc32

from msgspec.structs import replace

from alerts.record import content_id
from alerts.signal import Signal
from events import Category, State, SubjectKey
from policy.policy import Care
from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.baselines import Baseline, Baselines
from streams.detectors.decay import add, seen_from
from streams.detectors.mixture_cusum import log_mean
from streams.detectors.offence import Counting, after_block, counting
from streams.detectors.offender_finding import Finding, finding, statistic, yardstick
from streams.detectors.offender_report import account_of, four_numbers, words
from streams.detectors.offender_state import REMEMBERED_REQUESTS, Case, OffenderState
from streams.detectors.severity_cusum import log_e
from streams.detectors.verdict import Verdict

_BLOCKED = State.BLOCKED.value
_UNJUDGED = frozenset({State.NOT_EVALUATED.value, State.FILTER_ERROR.value})
ABOUT_THE_ANSWER = frozenset({Category.UNGROUNDED.value, Category.IRRELEVANT.value, Category.QUALITY.value})
"""Categories that judge the model's answer: they are neither exposure nor violation of the person who asked."""


@dataclass(frozen=True)
class RepeatOffender:
    """Two paths over one person's requests: who is above the permitted rate, and who has turned.

    The first is the Gamma-Poisson posterior P(block rate > permitted rate) on decayed counts; the second a mixture
    e-CUSUM of severity likelihood ratios, which reaches `restrict` at most. Called once per filter verdict of the key,
    clean ones too; both are evaluated only when a violation is counted, or turns out to be graver.

    A level is signalled when it is first reached, and again after `repeat_every` further violations while at or above
    `restrict`; levels re-arm when a violation finds neither path at any.

    Source: detection by empirical Bayes, gamma_poisson.py; severity_cusum.py; see docs/detectors/repeat-offender.md.
    """

    policy: RepeatOffenderPolicy
    care: Care
    policy_version: str
    baselines: Baselines = field(default_factory=Baselines)
    """Fitted priors; without one that holds, the policy's prior does."""
    scope: Literal["subject", "session"] = "subject"
    """Whose verdicts it is given; for `session` only those that have one."""

    def initial(self, key: str) -> OffenderState:
        """A subject that was never seen; `key` is `tenant|pseudonym`."""
        return OffenderState()

    def with_baseline(self, baseline: Baseline) -> "RepeatOffender":
        """The same detector, which knows one more baseline."""
        return with_changes(self, baselines=self.baselines.with_baseline(baseline))

    def step(self, state: OffenderState, event: Verdict) -> tuple[OffenderState, tuple[Signal, ...]]:
        """Apply one verdict of the subject."""
        if event.state in _UNJUDGED or event.category in ABOUT_THE_ANSWER:
            return state, ()
        state = self.requested(state, ((0, event.request_id, event.at.timestamp()),))
        if event.state != _BLOCKED or event.category in self._excused or event.stage in self._injected_stages:
            return state, ()
        return self._with_block(state, event)

    def log_e(self, state: OffenderState) -> float:
        """ln of the mixture e-CUSUM at this moment, for the accounts linked with this one; 0 is no evidence."""
        return log_e(state.case.turn, self._counting.weights, requests=state.requests) if state.case else 0.0

    def requested(self, state: OffenderState, asked: Iterable[tuple[int, str, float]]) -> OffenderState:
        """The state after clean verdicts, each with its offset, request id and event time; a request counts once."""
        half_life = self._half_life
        requests, weight, latest, since, recent = state.requests, state.weight, state.at, state.since, state.recent
        for _, request_id, at in asked:
            request = crc32(request_id.encode())
            if request in recent:
                continue
            if at >= latest:  # `add` spelt out: it would be called for nearly every verdict
                weight, latest = weight * exp2((latest - at) / half_life) + 1.0, at
            else:
                weight, latest = add(weight, latest, at=at, half_life=half_life)
            if at < since or not requests:
                since = at
            recent = (request, *recent[: REMEMBERED_REQUESTS - 1])
            requests += 1
        return (
            state if requests == state.requests else OffenderState(requests, weight, latest, since, recent, state.case)
        )

    def _with_block(self, state: OffenderState, event: Verdict) -> tuple[OffenderState, tuple[Signal, ...]]:
        case, is_charged = after_block(state.case or Case(), event, self._counting, requests=state.requests)
        if not is_charged:
            return replace(state, case=case), ()
        found = self._found(state, case, event)
        due = found.is_due(case.level, case.unsignalled, again_after=self.policy.repeat_every)
        case = replace(case, level=found.held(case.level), unsignalled=0 if due else case.unsignalled)
        state = replace(state, case=case)
        return state, (self._signal(state, event, case=case, found=found),) if due else ()

    def _found(self, state: OffenderState, case: Case, event: Verdict) -> Finding:
        by = yardstick(self.policy, self.baselines, scope=self.scope, tenant=event.tenant, at=event.at)
        violations = seen_from(case.weight, case.at, at=state.at, half_life=self._half_life)
        return finding(
            self.policy,
            by,
            weights=(violations, state.weight),
            violations=case.violations,
            log_e=log_mean(case.turn.logs),
        )

    def _signal(self, state: OffenderState, event: Verdict, *, case: Case, found: Finding) -> Signal:
        pseudonym = event.session if self.scope == "session" else event.subject
        key = str(SubjectKey(event.tenant, pseudonym or ""))
        account = account_of(state, case, self.scope)
        return Signal(
            id=content_id("sig", "repeat_offender", key, found.name, event.event_id),
            detector="repeat_offender",
            tenant=event.tenant,
            key=key,
            subject=pseudonym,
            scope=self.scope,
            level=found.name,
            at=event.at,
            statistic=statistic(self.policy, found),
            categories=tuple(Category(name) for name, _ in account.categories),
            stages=case.stages,
            filters=case.filters,
            evidence=case.evidence,
            numbers=four_numbers(account),
            policy_version=self.policy_version,
            words=words(account, found, self.policy),
        )

    @cached_property
    def _half_life(self) -> float:
        return self.policy.half_life.total_seconds()

    @cached_property
    def _counting(self) -> Counting:
        return counting(self.policy)

    @cached_property
    def _excused(self) -> frozenset[str]:
        return frozenset(map(str, (*self.care.categories, *self.care.injected_categories)))

    @cached_property
    def _injected_stages(self) -> frozenset[str]:
        return frozenset(map(str, self.care.injected_stages))
