"""Filters compiled to functions of an event; the language itself is in policy/rule_filter.py."""

import re
from collections.abc import Callable
from fnmatch import translate
from functools import reduce
from operator import attrgetter, ge, gt, le, lt
from typing import Any, TypeAlias

from policy.rule_fields import RULE_FIELDS, TOTAL_TOKENS, On, RuleField
from policy.rule_filter import Filter, Value, Where

Test: TypeAlias = Callable[[Any], bool]

COMPARED = {"gte": ge, "gt": gt, "lte": le, "lt": lt, "eq": ge}
"""`eq` is reached on the way up: the first number that is at least this is this."""
_WILD = re.compile(r"[*?\[]")


def matcher(where: Where, on: On) -> Test:
    """Whether an event passes every filter."""
    tests = [_test(one, RULE_FIELDS[on][one.field]) for one in where]
    return reduce(_both, tests) if tests else _always


def _both(first: Test, second: Test) -> Test:
    return lambda event: first(event) and second(event)


def _always(_: Any) -> bool:
    return True


def getter(field: str) -> Callable[[Any], Any]:
    """Reads a field of an event, or a number derived from several."""
    return _total_tokens if field == TOTAL_TOKENS else attrgetter(field)


def _total_tokens(event: Any) -> int | None:
    given = [one for one in (event.prompt_tokens, event.completion_tokens) if one is not None]
    return sum(given) if given else None


def _test(one: Filter, known: RuleField) -> Test:
    get = getter(one.field)
    if known.many:
        return _test_of_many(one, known, get)
    if known.kind == "word":
        words: tuple[str | None, ...] = (*map(str, known.words), None)
        accepted = frozenset(word for word in words if one.accepts(word))
        return lambda event: get(event) in accepted
    parts = [_among(one.any_of, known)] if one.any_of else []
    parts += [_not(_among(one.none_of, known))] if one.none_of else []
    parts += [_within(COMPARED[sign], number) for sign, number in one.bounds]
    holds = reduce(_both, parts)
    return lambda event: holds(get(event))


def _test_of_many(one: Filter, known: RuleField, get: Callable[[Any], Any]) -> Test:
    """A list holds a value if one of its entries is it; an empty list holds what is absent."""
    wanted, refused = _among(one.any_of, known), _among(one.none_of, known)

    def holds(event: Any) -> bool:
        values = get(event) or (None,)
        return (not one.any_of or any(map(wanted, values))) and not any(map(refused, values))

    return holds


def _not(test: Test) -> Test:
    return lambda value: not test(value)


def _within(compared: Callable[[float, float], bool], number: float) -> Test:
    return lambda value: value is not None and compared(value, number)


def _among(words: tuple[Value, ...], known: RuleField) -> Test:
    """A text is compared as a shell pattern, whatever the case of its letters; everything else as it is."""
    if known.kind != "text":
        return frozenset(words).__contains__
    texts = [word.lower() for word in words if isinstance(word, str)]
    plain = frozenset(text for text in texts if not _WILD.search(text))
    wild = re.compile("|".join(translate(text) for text in texts if text not in plain) or r"(?!)").match
    absent = None in words
    return lambda value: absent if value is None else (low := value.lower()) in plain or wild(low) is not None
