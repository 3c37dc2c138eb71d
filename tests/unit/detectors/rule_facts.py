"""Rules, events and runs for the tests of rules: built from the real models, one second apart unless told otherwise."""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.signal import Signal
from events import FilterVerdict, RequestLog
from policy.policy import Policy
from streams.detectors.rules.rule_detector import RuleDetector
from streams.detectors.rules.state import RuleState

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
SUBJECT = "k1." + "a" * 26
SESSION = "k1." + "s" * 26
RULE = {
    "name": "mine",
    "title": "Mine",
    "why": "Several of your requests were blocked.",
    "type": "event_count",
    "on": "verdicts",
    "timespan": "60s",
    "condition": {"gte": 3},
}


def policy(*rules: dict[str, Any], lateness: str = "30s", **fields: Any) -> Policy:
    """A policy with rules, each laid over `RULE`; None removes a field."""
    merged = [{key: value for key, value in (RULE | rule).items() if value is not None} for rule in rules]
    return Policy.model_validate(
        {"name": "n", "author": "a", "rules": merged, "lateness": {"allowed": lateness}} | fields
    )


def detector(lateness: str = "30s", **rule: Any) -> RuleDetector:
    """One rule, compiled."""
    given = policy(rule, lateness=lateness)
    return RuleDetector.of(given.rules[0], policy=given, version="p1")


def verdict(number: int, seconds: float | None = None, **changes: Any) -> FilterVerdict:
    """A blocked verdict of request `r<number>`."""
    fields: dict[str, Any] = {
        "event_id": f"r{number}:prompt:hate",
        "at": START + timedelta(seconds=number if seconds is None else seconds),
        "tenant": "contoso",
        "subject": SUBJECT,
        "session": SESSION,
        "request_id": f"r{number}",
        "provider": "azure.openai",
        "model": "gpt-4o",
        "filter": "azure-content-filter",
        "filter_version": "7",
        "stage": "prompt",
        "category": "hate",
        "provider_category": "hate",
        "state": "blocked",
        "severity": 2,
    }
    return FilterVerdict.model_validate(fields | changes)


def request(number: int, seconds: float | None = None, **changes: Any) -> RequestLog:
    """A completed request of 150 tokens."""
    fields: dict[str, Any] = {
        "event_id": f"r{number}:log",
        "at": START + timedelta(seconds=number if seconds is None else seconds),
        "tenant": "contoso",
        "subject": SUBJECT,
        "request_id": f"r{number}",
        "provider": "azure.openai",
        "model": "gpt-4o",
        "outcome": "completed",
        "prompt_tokens": 100,
        "completion_tokens": 50,
    }
    return RequestLog.model_validate(fields | changes)


def run(one: RuleDetector, events: Iterable[Any], state: RuleState | None = None) -> tuple[RuleState, list[Signal]]:
    """Apply all events to one group."""
    state, signals = state or one.initial("key"), []
    for event in events:
        state, found = one.step(state, event)
        signals += found
    return state, signals


def signals(one: RuleDetector, events: Iterable[Any]) -> list[Signal]:
    return run(one, events)[1]


def shuffled(events: Sequence[Any], lateness: float, seed: int) -> list[Any]:
    """The events in an order in which none is later than allowed."""
    chance = random.Random(seed)
    arrivals = [(event.at.timestamp() + chance.uniform(0, lateness), index) for index, event in enumerate(events)]
    return [events[index] for _, index in sorted(arrivals)]
