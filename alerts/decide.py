"""From a signal about a subject to a decision, or to the reason why there is none. Pure; it changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from alerts.decision import Decision, Held, HeldReason, Measure, inverse_of
from alerts.history import History
from alerts.hold import FilterHold
from alerts.record import content_id
from alerts.signal import Signal
from policy.ladder import LEVELS, Ladder, Step
from policy.mode import Mode
from policy.policy import Policy
from policy.version import LoadedPolicy

WATCHFLOOR = "watchfloor"
"""The actor and decider of what no person did."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How many measures of each kind the signal's detector may still take; a kind not named is unlimited."""

    left: Mapping[Measure, int] = field(default_factory=dict)

    def allows(self, measure: Measure) -> bool:
        """Whether one more is within the quota."""
        return self.left.get(measure, 1) > 0


@dataclass(frozen=True, slots=True)
class Brakes:
    """What holds measures back whatever the subject did: filters held as faulty, and the blast-radius quota."""

    holds: tuple[FilterHold, ...] = ()
    quota: Quota = Quota()


NO_BRAKES = Brakes()


class Stop(NamedTuple):
    """A gate's objection, with what the gate saw."""

    reason: HeldReason
    words: str


class Next(NamedTuple):
    """The rung that a signal would take a subject to."""

    rung: int
    step: Step


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that a gate may look at."""

    signal: Signal
    history: History
    policy: Policy
    now: datetime
    brakes: Brakes
    mode: Mode
    next: Next | None


def next_step(ladder: Ladder, last: int | None, *, level: str) -> Next | None:
    """The rung above `last` (None: the warning) if a signal of `level` reaches it; levels never fall along a ladder.

    A `review` signal, and one about a series, reaches no rung.
    """
    rung = 0 if last is None else last + 1
    if level not in ("restrict", "block") or rung >= len(ladder.steps):
        return None
    step = ladder.steps[rung]
    return Next(rung, step) if LEVELS.index(step.level) <= LEVELS.index(level) else None


def _mode(question: Question) -> Stop | None:
    if question.mode == "observe":
        return Stop("mode_observe", "The policy only observes.")
    if question.mode == "review":
        return Stop("mode_review", "The policy leaves it to a person to confirm.")
    return None


def _exempt(question: Question) -> Stop | None:
    subject = (question.history.tenant, question.history.subject)
    for one in question.policy.exemptions:
        if (one.tenant, one.subject) == subject and question.now < one.until:
            return Stop("exempt", f"The subject is exempt until {one.until:%Y-%m-%d %H:%M} UTC: {one.why}.")
    return None


def _care(question: Question) -> Stop | None:
    found = [one for one in question.signal.categories if one in question.policy.care.categories]
    if not found:
        return None
    return Stop("care_category", f"{', '.join(found)} asks for support, never for a strike.")


def _injected(question: Question) -> Stop | None:
    care, signal = question.policy.care, question.signal
    found: list[str] = [one for one in signal.categories if one in care.injected_categories]
    found += [one for one in signal.stages if one in care.injected_stages]
    if not found:
        return None
    return Stop("injected_content", f"It came in with content that the person did not write: {', '.join(found)}.")


def _filter_fault(question: Question) -> Stop | None:
    signal = question.signal
    for hold in question.brakes.holds:
        if hold.covers(signal.filters, signal.categories, at=question.now):
            since = f"{hold.since:%Y-%m-%d %H:%M} UTC"
            return Stop("filter_fault", f"Verdicts of {', '.join(hold.filters)} are held as faulty since {since}.")
    return None


def _covered(question: Question) -> Stop | None:
    if question.next is None:
        return None
    measure = question.next.step.action
    for rung in question.history.rungs(question.mode):
        if rung.holds(question.now) and rung.covers(measure):
            return Stop("already_covered", f"A measure as grave is in force: {rung.measure}.")
    return None


def _quota(question: Question) -> Stop | None:
    if question.next is None or question.brakes.quota.allows(question.next.step.action):
        return None
    return Stop("quota", f"The quota of {question.signal.detector} for {question.next.step.action} is used up.")


def _ladder(question: Question) -> Stop | None:
    if question.next is None:
        return Stop("no_step", f"No further rung of the ladder is reached by a {question.signal.level} signal.")
    if question.next.step.needs_human:
        return Stop("needs_human", f"The next rung, {question.next.step.action}, takes a person.")
    return None


GATES = (_mode, _exempt, _care, _injected, _filter_fault, _covered, _quota, _ladder)
"""In the order in which they are asked; the first objection is the reason."""


def decide(
    signal: Signal, history: History, *, policy: LoadedPolicy, now: datetime, brakes: Brakes = NO_BRAKES
) -> Decision | Held:
    """What follows from the signal for the subject of `history`. The same arguments give the same ids."""
    question = _question(signal, history, policy=policy.policy, now=now, brakes=brakes)
    stops = [stop for gate in GATES if (stop := gate(question))]
    if stops or question.next is None:
        return _held(question, stops, version=policy.version)
    return _decision(question, question.next, version=policy.version)


def _question(signal: Signal, history: History, *, policy: Policy, now: datetime, brakes: Brakes) -> Question:
    mode = policy.mode_of(signal.detector)
    last = history.last_step(mode, now, memory=policy.ladder.memory)
    return Question(signal, history, policy, now, brakes, mode, next_step(policy.ladder, last, level=signal.level))


def _decision(question: Question, taken: Next, *, version: str) -> Decision:
    signal, (rung, step) = question.signal, taken
    until = _end(step, question.now)
    decision_id = content_id("dec", signal.id, str(rung))
    return Decision(
        id=decision_id,
        signal_id=signal.id,
        tenant=question.history.tenant,
        subject=question.history.subject,
        measure=step.action,
        step=rung,
        at=question.now,
        until=until,
        decider=WATCHFLOOR,
        detector=signal.detector,
        categories=signal.categories,
        evidence=signal.evidence,
        filters=signal.filters,
        statistic=signal.statistic,
        numbers=signal.numbers,
        policy_version=version,
        message=step.message,
        words=signal.words,
        inverse=inverse_of(decision_id),
    )


def _held(question: Question, stops: list[Stop], *, version: str) -> Held:
    first, also = stops[0], tuple(stop.reason for stop in stops[1:])
    would = question.next if set(also) <= {"needs_human"} else None
    return Held(
        id=content_id("held", question.signal.id, first.reason),
        signal_id=question.signal.id,
        tenant=question.history.tenant,
        subject=question.history.subject,
        at=question.now,
        reason=first.reason,
        words=f"{first.words} {question.signal.words}",
        would=would.step.action if would else None,
        step=would.rung if would else None,
        until=_end(would.step, question.now) if would else None,
        also=also,
        filters=question.signal.filters,
        categories=question.signal.categories,
        policy_version=version,
    )


def _end(step: Step, start: datetime) -> datetime | None:
    return None if step.duration is None else start + step.duration
