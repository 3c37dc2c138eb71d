"""One rule of the policy as a detector: which events count, when it speaks, and when it may speak again."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Self

from msgspec.structs import replace

from alerts.signal import Signal
from events import State
from policy.policy import Care, Policy
from policy.rule_checks import kept, named
from policy.rule_filter import Filter, Where
from policy.rules import Condition, Rule
from streams.detectors.rules.event_count import EventCount
from streams.detectors.rules.matching import COMPARED, Test, getter, matcher
from streams.detectors.rules.ratio import Ratio
from streams.detectors.rules.report import Crossing, signal
from streams.detectors.rules.state import NEVER, RuleState
from streams.detectors.rules.temporal import Temporal
from streams.detectors.rules.temporal_ordered import TemporalOrdered
from streams.detectors.rules.value_count import ValueCount
from streams.detectors.rules.value_sum import ValueSum
from streams.detectors.rules.window import Correlation, Extent


@dataclass(frozen=True)
class RuleDetector:
    """Runs one rule; its key is a group: tenant, subject, and what else the rule groups by.

    It speaks when an event completes a window that meets the condition. Then it is silent until the window has been
    below the condition, or has passed; no event counts for two signals.
    """

    rule: Rule
    where: Where
    """The rule's own filters and those that `policy.care` adds."""
    matches: Test
    """Whether an event counts: `where`, compiled."""
    group: Callable[[Any], str | None]
    """The key of an event's group; None where a field that it needs is absent."""
    correlation: Correlation
    policy_version: str

    @classmethod
    def of(cls, rule: Rule, *, policy: Policy, version: str) -> Self:
        """Compile a rule."""
        extent = Extent(
            rule.timespan.total_seconds(),
            policy.lateness.allowed.total_seconds(),
            kept(rule, policy.lateness.allowed),
        )
        where = _where(rule, policy.care)
        return cls(rule, where, matcher(where, rule.on), _grouping(rule), _correlation(rule, extent), version)

    @property
    def states(self) -> frozenset[str]:
        """For rules about verdicts: the states that can match."""
        return frozenset(str(state) for state in State if self.can_match(state=str(state)))

    def can_match(self, **words: str) -> bool:
        """Whether an event with these words in these fields can count, whatever its other fields hold."""
        steps = [step.where for step in self.rule.steps] or [Where()]
        return any(_accept((*self.where, *step), words) for step in steps)

    def initial(self, key: str) -> RuleState:
        """A group that was never seen."""
        return RuleState()

    def step(self, state: RuleState, event: Any) -> tuple[RuleState, tuple[Signal, ...]]:
        """Apply one event of the group; the same state comes back where it does not count."""
        group = self.group(event) if self.matches(event) else None
        return (state, ()) if group is None else self.counted(state, event, group)

    def counted(self, state: RuleState, event: Any, group: str) -> tuple[RuleState, tuple[Signal, ...]]:
        """Apply an event that is known to match, and to be of this group."""
        at = event.at.timestamp()
        entered = self.correlation.enter(state, event, at) if at > state.spent else None
        if entered is None:
            return state, ()
        armed = state.armed or self._rearmed(state, at)
        found = self.correlation.reached(entered, at, state.spent) if armed else None
        if found is None:
            return replace(entered, armed=armed), ()
        said = signal(self.rule, entered, found, Crossing(event, group, self.policy_version))
        return replace(entered, armed=False, spent=found.end), (said,)

    def _rearmed(self, state: RuleState, at: float) -> bool:
        """The window that was reported has passed, or what it holds now, without the new event, is below again."""
        if at >= state.spent + self.rule.timespan.total_seconds():
            return True
        return at >= state.high and self.correlation.reached(state, at, NEVER) is None


def _where(rule: Rule, care: Care) -> Where:
    """What care excuses does not count, unless the rule names it."""
    if rule.on != "verdicts":
        return rule.where
    excused = {"category": (*care.categories, *care.injected_categories), "stage": care.injected_stages}
    refused = {field: frozenset(map(str, words)) - named(rule, field, words) for field, words in excused.items()}
    return Where((*rule.where, *(Filter(field, none_of=tuple(words)) for field, words in refused.items() if words)))


def _accept(filters: Iterable[Filter], words: Mapping[str, str]) -> bool:
    return all(one.accepts(words[one.field]) for one in filters if one.field in words)


def _grouping(rule: Rule) -> Callable[[Any], str | None]:
    names = tuple(dict.fromkeys(("tenant", "subject", *rule.group_by)))
    values = attrgetter(*names)

    def group(event: Any) -> str | None:
        parts = values(event)
        return None if None in parts else "|".join(parts)

    return group


def _met(condition: Condition) -> Callable[[float], bool]:
    compared, number = COMPARED[condition.sign], condition.number
    return lambda value: compared(value, number)


def _correlation(rule: Rule, extent: Extent) -> Correlation:
    steps = tuple(matcher(step.where, rule.on) for step in rule.steps)
    if rule.condition is None:
        return Temporal(extent, steps) if rule.type == "temporal" else TemporalOrdered(extent, steps)
    met = _met(rule.condition)
    if rule.type == "event_count":
        return EventCount(extent, met)
    if rule.type == "ratio":
        proves = rule.condition.sign in ("gte", "gt")
        return Ratio(extent, met, matcher(rule.of, rule.on), rule.minimum, proves)
    value = getter(rule.field or "")
    return ValueSum(extent, met, value) if rule.type == "value_sum" else ValueCount(extent, met, value)
