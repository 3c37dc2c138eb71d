"""Everything about one subject that its one writer keeps, and what a signal or a command does to it. Pure."""

from dataclasses import dataclass
from datetime import datetime

from alerts.appeal import NOT_REVIEWERS, Appeal, open_appeal, transition
from alerts.command import ClaimAppeal, DecideAppeal, LiftDecision, OpenAppeal, SubjectCommand, command_key
from alerts.decide import NO_BRAKES, WATCHFLOOR, Brakes, decide
from alerts.decision import Decision, Held, Lift, inverse_of
from alerts.enforcement import Enforcement, measured
from alerts.errors import (
    ActorNotAllowed,
    AlreadyAppealed,
    AppealNotFound,
    CommandRefused,
    DecisionAlreadyLifted,
    DecisionNotFound,
    TooManyOpenAppeals,
)
from alerts.history import History
from alerts.hold import FilterHold
from alerts.ledger import LedgerEntry, entry_of, entry_of_appeal, entry_of_lift, entry_of_refusal
from alerts.signal import Signal
from events.event import Instant
from policy.policy import Policy
from policy.version import LoadedPolicy

DECISIONS_KEPT = 64
HANDLED_KEPT = 256
APPEALS_WAITING = 16


class Case(History):
    """A subject's history with its appeals; replaced, never changed. Its JSON is the worker's state."""

    appeals: tuple[Appeal, ...] = ()
    """At most one per decision."""
    handled: tuple[str, ...] = ()
    """Ids of the last signals and commands, so that a repetition changes nothing."""
    revision: int = 0
    """Grows by one per change of the enforcement."""
    changed_at: Instant | None = None
    """When the enforcement last changed."""

    def appeal(self, appeal_id: str) -> Appeal | None:
        """The appeal of that id, if it is kept."""
        return next((one for one in self.appeals if one.id == appeal_id), None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The case afterwards, and what the world is told: ledger entries, and the enforcement or appeal if it changed.

    `concluded` is what a signal led to when it was first seen.
    """

    case: Case
    entries: tuple[LedgerEntry, ...] = ()
    enforcement: Enforcement | None = None
    appeal: Appeal | None = None
    concluded: Decision | Held | None = None


def enforcement_of(case: Case, now: datetime) -> Enforcement:
    """What gateways see: every decision that is neither undone nor ended at `now`."""
    return Enforcement(
        tenant=case.tenant,
        subject=case.subject,
        measures=measured(case.in_force(now)),
        at=case.changed_at or now,
        revision=case.revision,
    )


def apply_signal(case: Case, signal: Signal, *, policy: LoadedPolicy, brakes: Brakes = NO_BRAKES) -> Outcome:
    """Decide on a signal about the subject, at the signal's own time. A repeated signal changes nothing."""
    if signal.id in case.handled:
        return Outcome(case)
    now = signal.at
    concluded = decide(signal, case, policy=policy, now=now, brakes=brakes)
    case = _pruned(_handled(_with(case, concluded), signal.id), policy.policy, now=now)
    if isinstance(concluded, Held):
        return Outcome(case, (entry_of(concluded),), concluded=concluded)
    case = _revised(case, now)
    return Outcome(case, (entry_of(concluded),), enforcement=enforcement_of(case, now), concluded=concluded)


def apply_command(case: Case, command: SubjectCommand, *, policy: LoadedPolicy, now: datetime) -> Outcome:
    """Carry out what a person asked for, or say in the ledger why not. A repeated command changes nothing.

    `now` is the command's own time wherever the result must be a function of the log.
    """
    if command.id in case.handled:
        return Outcome(case)
    case = _handled(case, command.id)
    try:
        return _carry_out(case, command, policy=policy.policy, now=now)
    except CommandRefused as refusal:
        return Outcome(case, (entry_of_refusal(command, refusal, at=now),))


def _carry_out(case: Case, command: SubjectCommand, *, policy: Policy, now: datetime) -> Outcome:
    if isinstance(command, OpenAppeal):
        return _open(case, command, policy=policy, now=now)
    if isinstance(command, LiftDecision):
        return _lift_by_hand(case, command, now=now)
    return _review(case, command, now=now)


def apply_hold(case: Case, hold: FilterHold) -> Outcome:
    """Undo what was decided since the onset of a filter's fault and rests on it. A repeated hold changes nothing."""
    faulty = [one for one in case.unlifted() if hold.covers(one.filters, one.categories, at=one.at)]
    rehearsed = tuple(one for one in case.rehearsed if not hold.covers(one.filters, one.categories, at=one.at))
    if len(rehearsed) < len(case.rehearsed):
        case = case.replace(rehearsed=rehearsed)
    if not faulty:
        return Outcome(case)
    reason = f"{', '.join(hold.filters)} was found faulty since {hold.since:%Y-%m-%d %H:%M} UTC."
    lifts = tuple(
        Lift(id=one.inverse, decision_id=one.id, at=hold.at, actor=WATCHFLOOR, reason=reason) for one in faulty
    )
    case = _revised(case.replace(lifts=(*case.lifts, *lifts)), hold.at)
    entries = tuple(entry_of_lift(lift, f"{case.tenant}|{case.subject}") for lift in lifts)
    return Outcome(case, entries, enforcement=enforcement_of(case, hold.at))


def _open(case: Case, command: OpenAppeal, *, policy: Policy, now: datetime) -> Outcome:
    decision = _unlifted(case, command.decision_id)
    for appeal in case.appeals:
        if appeal.decision_id == decision.id:
            raise AlreadyAppealed(decision.id, appeal.id)
    waiting = sum(one.undecided for one in case.appeals)
    if waiting >= APPEALS_WAITING:
        raise TooManyOpenAppeals(waiting)
    appeal = open_appeal(decision, command, rules=policy.appeals, now=now)
    case = case.replace(appeals=(*case.appeals, appeal))
    return Outcome(case, (entry_of_appeal(appeal, command, at=now),), appeal=appeal)


def _review(case: Case, command: ClaimAppeal | DecideAppeal, *, now: datetime) -> Outcome:
    before = case.appeal(command.appeal_id)
    if before is None:
        raise AppealNotFound(command.appeal_id)
    after = transition(before, command, now=now)
    case = case.replace(appeals=tuple(after if one is before else one for one in case.appeals))
    outcome = Outcome(case, (entry_of_appeal(after, command, at=now),), appeal=after)
    if after.state != "overturned" or case.lift_of(after.decision_id):
        return outcome
    lift = Lift(
        id=inverse_of(after.decision_id),
        decision_id=after.decision_id,
        at=now,
        actor=command.actor,
        reason=after.reason or "",
        appeal_id=after.id,
    )
    return _lifted(outcome, lift, command=command)


def _lift_by_hand(case: Case, command: LiftDecision, *, now: datetime) -> Outcome:
    if command.actor in NOT_REVIEWERS:
        raise ActorNotAllowed(command.actor)
    decision = _unlifted(case, command.decision_id)
    lift = Lift(id=decision.inverse, decision_id=decision.id, at=now, actor=command.actor, reason=command.reason)
    return _lifted(Outcome(case), lift, command=command)


def _lifted(outcome: Outcome, lift: Lift, *, command: SubjectCommand) -> Outcome:
    case = _revised(outcome.case.replace(lifts=(*outcome.case.lifts, lift)), lift.at)
    entries = (*outcome.entries, entry_of_lift(lift, command_key(command), command_id=command.id))
    return Outcome(case, entries, enforcement=enforcement_of(case, lift.at), appeal=outcome.appeal)


def _unlifted(case: Case, decision_id: str) -> Decision:
    decision = case.decision(decision_id)
    if decision is None:
        raise DecisionNotFound(decision_id)
    if lift := case.lift_of(decision_id):
        raise DecisionAlreadyLifted(decision_id, lift.id)
    return decision


def _with(case: Case, concluded: Decision | Held) -> Case:
    if isinstance(concluded, Decision):
        return case.replace(decisions=(*case.decisions, concluded))
    if concluded.rehearses:
        return case.replace(rehearsed=(*case.rehearsed, concluded))
    return case


def _handled(case: Case, act_id: str) -> Case:
    return case.replace(handled=(*case.handled, act_id)[-HANDLED_KEPT:])


def _revised(case: Case, now: datetime) -> Case:
    return case.replace(revision=case.revision + 1, changed_at=now)


def _pruned(case: Case, policy: Policy, *, now: datetime) -> Case:
    memory = policy.ladder.memory
    pinned = {one.id for one in case.in_force(now)}
    pinned |= {one.decision_id for one in case.appeals if one.undecided}
    young = [one.id for one in case.decisions if now - one.at <= max(memory, policy.appeals.window)]
    kept = pinned.union(young[-DECISIONS_KEPT:])
    return case.replace(
        decisions=tuple(one for one in case.decisions if one.id in kept),
        lifts=tuple(one for one in case.lifts if one.decision_id in kept),
        appeals=tuple(one for one in case.appeals if one.decision_id in kept),
        rehearsed=tuple(one for one in case.rehearsed if now - one.at < memory or _holds(one, now))[-DECISIONS_KEPT:],
    )


def _holds(held: Held, now: datetime) -> bool:
    return held.until is None or held.until > now
