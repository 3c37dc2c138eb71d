"""The signal of a rule: its evidence, its figures and what a person is told; it judges nothing."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any, NamedTuple

from alerts.record import content_id
from alerts.signal import Signal, Statistic
from events import Category, SubjectKey
from policy.duration import spell
from policy.rules import Condition, Rule
from streams.detectors.rules.state import Entry, RuleState
from streams.detectors.rules.window import Reached

_BOUND = {"gte": "from {} on", "gt": "above {}", "eq": "at {}", "lte": "up to {}", "lt": "below {}"}


class Crossing(NamedTuple):
    """The event that completed a window, of which group, under which policy."""

    event: Any
    group: str
    policy_version: str


def signal(rule: Rule, state: RuleState, found: Reached, crossing: Crossing) -> Signal:
    """What a rule says about the subject when a window meets its condition."""
    event = crossing.event
    proofs = _proofs(state, since=max(found.end - rule.timespan.total_seconds(), state.spent), until=found.end)
    return Signal(
        id=content_id("sig", rule.detector, crossing.group, event.event_id),
        detector=rule.detector,
        tenant=event.tenant,
        key=str(SubjectKey(event.tenant, event.subject)),
        subject=event.subject,
        level=rule.level,
        at=datetime.fromtimestamp(found.end, UTC),
        statistic=Statistic(name=rule.type, value=found.value, threshold=_threshold(rule)),
        categories=tuple(map(Category, _by_frequency([one.category for one in proofs]))),
        stages=_by_frequency([one.stage for one in proofs]),
        filters=_by_frequency([one.filter for one in proofs]),
        evidence=tuple(dict.fromkeys(one.event_id for one in proofs)),
        policy_version=crossing.policy_version,
        words=words(rule, found),
    )


def words(rule: Rule, found: Reached) -> str:
    """The rule's `why` and the figures behind it."""
    end = datetime.fromtimestamp(found.end, UTC)
    seen = f"{_seen(rule, found.value)} within {spell(rule.timespan)} up to {end:%Y-%m-%d %H:%M} UTC"
    return f"{rule.why} Seen: {seen}{_bound(rule.condition, rule.type)}."


def _seen(rule: Rule, value: float) -> str:
    field = (rule.field or "").replace("_", " ")
    match rule.type:
        case "value_count":
            return f"{value:,.0f} different values of {field} in {rule.on}"
        case "value_sum":
            return f"{_number(value)} {field} in {rule.on}"
        case "ratio":
            return f"{value:.1%} of {rule.on}"
        case "event_count":
            return f"{value:,.0f} {rule.on}"
    order = " one after the other" if rule.type == "temporal_ordered" else ""
    return f"{', '.join(step.name.replace('_', ' ') for step in rule.steps)}{order}"


def _bound(condition: Condition | None, kind: str) -> str:
    if condition is None:
        return ""
    number = f"{condition.number:.1%}" if kind == "ratio" else _number(condition.number)
    return f"; the rule matches {_BOUND[condition.sign].format(number)}"


def _threshold(rule: Rule) -> float:
    return len(rule.steps) if rule.condition is None else rule.condition.number


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3f}"


def _proofs(state: RuleState, *, since: float, until: float) -> list[Entry]:
    """Newest first."""
    return [one for one in reversed(state.entries) if one.event_id and since < one.at <= until]


def _by_frequency(names: list[str]) -> tuple[str, ...]:
    counted = Counter(name for name in names if name)
    return tuple(sorted(counted, key=lambda name: (-counted[name], name)))
