"""A decision, or the absence of one, in plain words for people; the API and the command line show the same text."""

from collections.abc import Iterator
from datetime import datetime

from alerts.decision import Decision, Held
from alerts.signal import FourNumbers, Statistic

_MEASURES = {
    "warn": "The subject is warned",
    "throttle": "The subject is slowed down",
    "suspend": "The subject is suspended",
    "ban": "The subject is banned",
}


def explain_decision(decision: Decision) -> str:
    """What was done and until when, why, on which numbers and events, under which policy, and what undoes it."""
    return "\n".join(_decision_lines(decision))


def explain_held(held: Held) -> str:
    """Why nothing was done, and what would have been done."""
    return "\n".join(_held_lines(held))


def _decision_lines(decision: Decision) -> Iterator[str]:
    yield f"{_MEASURES[decision.measure]} from {_spell(decision.at)} until {_end(decision.until)}."
    yield f"Why: {decision.words}"
    if decision.numbers:
        yield from _number_lines(decision.numbers)
    if decision.categories:
        yield f"Categories: {', '.join(decision.categories)}."
    yield _statistic_line(decision.statistic)
    yield f"Decided by {decision.decider} on {decision.detector}, ladder step {decision.step + 1}, {decision.id}."
    yield f"Policy: {decision.policy_version}."
    yield f"Events: {', '.join(decision.evidence) or 'none named'}."
    yield f"To undo: {decision.inverse} lifts this decision and nothing else."


def _number_lines(numbers: FourNumbers) -> Iterator[str]:
    yield f"How many: {numbers.count} violations in {numbers.requests} requests."
    yield f"What share: {numbers.share:.1%} of the requests."
    yield f"How grave: {numbers.gravity:.1f} of 3."
    yield f"How intentional: {numbers.intent:.0%} were variations after a block; a retry of the same prompt counts not."


def _statistic_line(statistic: Statistic) -> str:
    return f"Measured: {statistic.name} = {statistic.value:.6g}; the bound is {statistic.threshold:.6g}."


def _held_lines(held: Held) -> Iterator[str]:
    yield f"Nothing was done on {_spell(held.at)} ({held.reason})."
    yield f"Why: {held.words}"
    if held.would is not None and held.step is not None:
        yield f"It would have been: {held.would} until {_end(held.until)}, ladder step {held.step + 1}."
    if held.also:
        yield f"It would also have been held by: {', '.join(held.also)}."
    yield f"Policy: {held.policy_version}."


def _spell(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _end(until: datetime | None) -> str:
    return "a person lifts it" if until is None else _spell(until)
