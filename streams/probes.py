"""How each detector is traced: what its state says level by level, and what more of the same would be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import exp, log
from typing import Any

from msgspec.structs import replace

from alerts.signal import Scope
from events import FilterVerdict
from policy import LoadedPolicy
from policy.ladder import LEVELS
from policy.rule_fields import On
from streams.detectors.category_spike import CategorySpike, SpikeState, StepCount
from streams.detectors.decay import seen_from
from streams.detectors.detector import Detector
from streams.detectors.groundedness_drift import GroundednessDrift
from streams.detectors.offender_finding import finding, yardstick
from streams.detectors.offender_state import OffenderState
from streams.detectors.repeat_offender import RepeatOffender
from streams.detectors.rules.rule_detector import RuleDetector
from streams.trace import RISING, Probe, Reading

_SEVERITY = 2
_CATEGORY = "violence"
_STAGES = frozenset({"prompt", "completion"})


@dataclass(frozen=True, slots=True)
class OffenderProbe:
    """Both paths of the repeat-offender detector, on verdicts as the fast decoder reads them."""

    detector: RepeatOffender
    called: str = "repeat_offender"

    def name(self, event: FilterVerdict) -> str:
        """Its event id."""
        return event.event_id

    def counts(self, event: FilterVerdict) -> bool:
        """Blocked verdicts; the detector leaves some of them out by itself."""
        return event.state == "blocked"

    def readings(self, state: OffenderState, event: FilterVerdict) -> tuple[Reading, ...]:
        """The posterior against three levels, and the e-CUSUM against the one that it can reach."""
        policy, case = self.detector.policy, state.case
        by = yardstick(policy, self.detector.baselines, scope=self.detector.scope, tenant=event.tenant, at=event.at)
        violations, log_e = 0.0, 0.0
        if case:
            violations = seen_from(case.weight, case.at, at=state.at, half_life=policy.half_life.total_seconds())
            log_e = self.detector.log_e(state)
        counted = case.violations if case else 0
        found = finding(policy, by, weights=(violations, state.weight), violations=counted, log_e=log_e)
        name = f"P(block rate > {policy.permitted_rate:g})"
        enough = counted >= policy.block_min_violations
        also = {"block": f"{counted} of {policy.block_min_violations} violations"}
        bounds = zip(LEVELS, (policy.review_at, policy.restrict_at, policy.block_at), strict=True)
        posterior = (
            Reading(
                name, level, found.probability, bound,
                reached=bool(case) and found.probability >= bound and (level != "block" or enough),
                also=also.get(level, ""),
            )
            for level, bound in bounds
        )  # fmt: skip
        turned = log(policy.turned_at)
        return (*posterior, Reading("ln mixture e-CUSUM", "restrict", log_e, turned, reached=log_e >= turned))

    def another(self, event: FilterVerdict, number: int) -> FilterVerdict:
        """One more violation, as far from the last as the policy asks for two to count."""
        blocked = event.state == "blocked" and str(event.stage) in _STAGES
        apart = self.detector.policy.violation_gap + timedelta(seconds=1)
        changes: dict[str, Any] = {
            "event_id": f"{event.event_id}~{number}",
            "request_id": f"{event.request_id}~{number}",
            "at": event.at + number * apart,
            "prompt_hash": None,
        }
        if not blocked:
            kind = {"category": _CATEGORY, "provider_category": _CATEGORY, "stage": "prompt"}
            changes |= kind | {"state": "blocked", "severity": _SEVERITY}
        again: FilterVerdict = replace(event, **changes)  # type: ignore[type-var]  # a struct with the model's fields
        return again


@dataclass(frozen=True, slots=True)
class SignalProbe:
    """Any detector of a subject's events, by nothing but the signals that it emits: a rule of the policy, say."""

    detector: Detector[Any, Any]
    called: str
    is_against: Callable[[Any], bool] = lambda _event: True

    def name(self, event: Any) -> str:
        """Its event id."""
        return str(event.event_id)

    def counts(self, event: Any) -> bool:
        """As it was told."""
        return self.is_against(event)

    def readings(self, state: Any, event: Any) -> tuple[Reading, ...]:
        """None."""
        return ()

    def another(self, event: Any, number: int) -> Any:
        """The event once more, a minute later and in a request of its own."""
        changes = {"event_id": f"{event.event_id}~{number}", "at": event.at + number * timedelta(minutes=1)}
        if getattr(event, "request_id", None):
            changes["request_id"] = f"{event.request_id}~{number}"
        return replace(event, **changes)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A detector to trace for one subject or session, and the events that it looks at."""

    probe: Probe[Any, Any]
    on: On
    group: Callable[[Any], str | None] = lambda _event: ""
    """Events of one group go together; None: the detector passes the event over."""

    def alike(self, events: Sequence[Any], event_id: str) -> list[Any]:
        """The events of the same group as the named one."""
        group = next((self.group(event) for event in events if event.event_id == event_id), None)
        return [] if group is None else [event for event in events if self.group(event) == group]


def suspects(policy: LoadedPolicy, scope: Scope = "subject") -> dict[str, Suspect]:
    """Detector → how it is traced, for the detectors that see one subject's or one session's events.

    An API key's events lie in many partitions: only totals of them are judged, and there is nothing to replay.
    """
    rules = policy.policy
    if scope == "api_key":
        return {}
    offender = RepeatOffender(rules.detectors.repeat_offender, rules.care, policy.version, scope=scope)
    found = {"repeat_offender": Suspect(OffenderProbe(offender), "verdicts")}
    for rule in (one for one in rules.rules if one.enabled):
        detector = RuleDetector.of(rule, policy=rules, version=policy.version)
        found[rule.detector] = Suspect(
            SignalProbe(detector, rule.detector, detector.matches), rule.on, _grouped(detector)
        )
    return found


def _grouped(detector: RuleDetector) -> Callable[[Any], str | None]:
    return lambda event: detector.group(event) if detector.matches(event) else None


def drift_probe(policy: LoadedPolicy) -> SignalProbe:
    """The drift detector, on the scores of one series."""
    detector = GroundednessDrift(policy.policy.detectors.groundedness_drift, policy.version)
    return SignalProbe(detector, "groundedness_drift")


def spike_detectors(policy: LoadedPolicy) -> tuple[CategorySpike, ...]:
    """The spike detector, once per length of its steps."""
    rules = policy.policy.detectors.category_spike
    return tuple(CategorySpike(rules, policy.version, length) for length in rules.steps)


@dataclass(frozen=True, slots=True)
class Fewer:
    """How few counts would not have raised a level."""

    count: int
    """Seen in the step."""
    silent_at: int | None
    """The highest count that would not have raised that level; None: not even 0."""
    level: str


def fewer(detector: CategorySpike, before: SpikeState, event: StepCount, level: str) -> Fewer:
    """Search the highest silent count of the step; more counts are never less evidence."""

    def fires(count: int) -> bool:
        _, signals = detector.step(before, replace(event, count=count, parts={}))
        return any(RISING.index(one.level) >= RISING.index(level) for one in signals)

    if fires(0):
        return Fewer(event.count, None, level)
    low, high = 0, event.count
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fires(middle) else (middle, high)
    return Fewer(event.count, low, level)


def watched(detector: CategorySpike, threshold: float, *, level: str) -> int:
    """K: how many series shared the budget, read off the threshold ln(K * D) of a signal."""
    every = detector.policy.page_every if level == "page" else detector.policy.ticket_every
    return max(1, round(exp(threshold) / (every / detector.length)))
