"""What is wrong with a rule, beyond the types of its fields: what could not be judged exactly, or not safely."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import chain
from math import ceil
from typing import TYPE_CHECKING

from policy.rule_fields import RULE_FIELDS
from policy.rule_filter import Finding, Where, misfits, suggest

if TYPE_CHECKING:
    from policy.policy import Care
    from policy.rules import Condition, Rule

MOST_RULES = 64
MOST_COUNTED = 1000
MOST_KEPT = 8192
"""Events, or parts of a window, that one group's state may hold."""
BUCKETS = 64
"""Parts that the window of a sum or a ratio is cut into."""
KEPT_IN_ORDER = 128
"""Events that one group of an ordered rule keeps."""

_NEEDS = {
    "event_count": ("condition",),
    "value_count": ("condition", "field"),
    "value_sum": ("condition", "field"),
    "ratio": ("condition", "of"),
    "temporal": ("steps",),
    "temporal_ordered": ("steps",),
}
_OPTIONAL = ("condition", "field", "of", "steps")
_HOW_IT_ENDED = ("outcome", "finish_reason", "http_status")


def findings_in(rule: "Rule") -> Iterator[Finding]:
    """What is wrong with a rule by itself."""
    for name in _OPTIONAL:
        needed, given = name in _NEEDS[rule.type], bool(getattr(rule, name))
        if needed and not given:
            yield (name,), f"{rule.type} needs this"
        elif given and not needed:
            yield (name,), f"{rule.type} has no use for this"
    for path, where in filters_of(rule):
        yield from (((*path, *place), reason) for place, reason in misfits(where, rule.on))
    yield from _grouping(rule)
    yield from _counted_field(rule)
    yield from _steps(rule)
    if rule.condition is not None and "condition" in _NEEDS[rule.type]:
        yield from _condition(rule.type, rule.condition)
    if rule.on in ("feedback", "notices") and rule.level != "review":
        yield ("level",), f"{rule.on} do not say what policy.care has to know, so they can only lead to a review"


def filters_of(rule: "Rule") -> Iterator[tuple[tuple[str | int, ...], Where]]:
    """Every filter of a rule, with its place in it."""
    yield ("where",), rule.where
    yield ("of",), rule.of
    for index, step in enumerate(rule.steps):
        yield ("steps", index, "where"), step.where


def _grouping(rule: "Rule") -> Iterator[Finding]:
    known = {name: one for name, one in RULE_FIELDS[rule.on].items() if one.kind in ("word", "text") and not one.many}
    for index, name in enumerate(rule.group_by):
        if name not in known:
            yield ("group_by", index), f"{rule.on} cannot be grouped by this" + suggest(name, known)
    if not {"subject", "session"} & set(rule.group_by):
        reason = "subject or session is needed: events of one subject meet in one place, others do not"
        yield ("group_by",), reason


def _counted_field(rule: "Rule") -> Iterator[Finding]:
    if rule.field is None or "field" not in _NEEDS[rule.type]:
        return
    known = RULE_FIELDS[rule.on].get(rule.field)
    if known is None:
        yield ("field",), f"{rule.on} have no such field" + suggest(rule.field, RULE_FIELDS[rule.on])
    elif rule.type == "value_sum" and known.kind != "number":
        yield ("field",), f"{rule.field} is no number and cannot be summed"
    elif known.many:
        yield ("field",), f"{rule.field} is a list; its values cannot be counted"


def _steps(rule: "Rule") -> Iterator[Finding]:
    if len(rule.steps) == 1:
        yield ("steps",), "two steps are needed at least"
    names = [step.name for step in rule.steps]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("steps", index, "name"), "another step has this name"


def _condition(kind: str, condition: "Condition") -> Iterator[Finding]:
    sign, number = condition.sign, condition.number
    place = ("condition", sign)
    if kind == "ratio":
        if sign == "eq":
            yield place, "a share is hardly ever exactly this: use gte or lte"
        elif number > 1 or number == {"gte": 0, "lt": 0, "gt": 1, "lte": 1}[sign]:
            yield place, "a share is between 0 and 1, and this one would hold always or never"
    elif sign in ("lt", "lte"):
        yield place, "too few cannot be judged: events that have not come yet may still come; use gte, gt or a ratio"
    elif kind == "value_sum":
        if sign == "eq":
            yield place, "a sum jumps over numbers: use gte"
        elif number == 0:
            yield place, "a sum must be above 0"
    elif number != int(number) or not (0 if sign == "gt" else 1) <= number <= MOST_COUNTED:
        yield place, f"a whole number up to {MOST_COUNTED} is expected"


def findings_among(rules: "tuple[Rule, ...]", *, care: "Care", lateness: timedelta) -> Iterator[Finding]:
    """What is wrong with rules in their document: names, care, and what a window would have to remember."""
    names = [rule.name for rule in rules]
    for index, rule in enumerate(rules):
        inside = chain(_careless(rule, care), _blocked_requests(rule), _too_much(rule, lateness))
        yield from ((("rules", index, *path), reason) for path, reason in inside)
        if rule.name in names[:index]:
            yield ("rules", index, "name"), "another rule has this name"


def named(rule: "Rule", field: str, words: Iterable[str]) -> frozenset[str]:
    """Those of the words that a rule asks for explicitly."""
    given = [one.any_of for _, where in filters_of(rule) if (one := where.of(field)) is not None]
    return frozenset(word for word in map(str, words) if any(word in values for values in given))


def _careless(rule: "Rule", care: "Care") -> Iterator[Finding]:
    if rule.on != "verdicts" or rule.level == "review":
        return
    excused = {"category": (*care.categories, *care.injected_categories), "stage": care.injected_stages}
    for field, words in excused.items():
        found = named(rule, field, words)
        if found:
            yield ("level",), f"policy.care excuses {', '.join(sorted(found))}: such a rule can only lead to a review"


def _blocked_requests(rule: "Rule") -> Iterator[Finding]:
    """A request log does not say why it was blocked, so `care` could not excuse it."""
    if rule.on != "requests" or rule.level == "review":
        return
    parts = [rule.of, *(step.where for step in rule.steps)]
    for part in parts:
        filters = [*rule.where, *part]
        outcomes = [one for one in filters if one.field == "outcome"]
        if any(one.field in _HOW_IT_ENDED for one in filters) and all(one.accepts("blocked") for one in outcomes):
            yield ("level",), "blocked requests do not say what policy.care has to know: count blocks on verdicts"
            return


def kept(rule: "Rule", lateness: timedelta) -> int:
    """How many events, or parts of its window, a group's state must hold to be exact for late events too."""
    windows = 1 + ceil(lateness / rule.timespan)
    match rule.type:
        case "event_count":
            return reached(rule) * windows
        case "value_count" | "temporal":
            return 2 * reached(rule) * windows
        case "value_sum" | "ratio":
            return BUCKETS * windows
    return KEPT_IN_ORDER


def reached(rule: "Rule") -> int:
    """The count from which a rule matches."""
    if rule.condition is None:
        return len(rule.steps)
    return int(rule.condition.number) + (rule.condition.sign == "gt")


def _too_much(rule: "Rule", lateness: timedelta) -> Iterator[Finding]:
    needed = kept(rule, lateness)
    if needed > MOST_KEPT:
        yield ("timespan",), f"with lateness.allowed this short a window needs {needed} entries, over {MOST_KEPT}"
