"""What signals and commands do to a subject's case, act by act."""

from datetime import timedelta

import pytest
from alert_facts import (
    AT,
    ENFORCE,
    claim,
    decided,
    ladder,
    lift,
    loaded,
    new_case,
    open_appeal,
    rule,
    run,
    signal,
)

from alerts.case import (
    APPEALS_WAITING,
    DECISIONS_KEPT,
    HANDLED_KEPT,
    Case,
    Outcome,
    apply_command,
    apply_signal,
    enforcement_of,
)
from alerts.record import content_id

DAY = timedelta(days=1)


def kinds(outcome: Outcome) -> list[str]:
    return [entry.kind for entry in outcome.entries]


def refusal(outcome: Outcome) -> str:
    (entry,) = outcome.entries
    assert entry.kind == "refused"
    assert outcome.enforcement is None
    assert outcome.appeal is None
    code = entry.detail["code"]
    assert isinstance(code, str)
    return code


def test_signal_becomes_a_decision_in_force():
    outcome = apply_signal(new_case(), signal(), policy=ENFORCE)
    (decision,) = outcome.case.decisions
    assert kinds(outcome) == ["decision"]
    assert outcome.entries[0].about == decision.id
    assert outcome.enforcement is not None
    assert outcome.enforcement.revision == 1
    assert outcome.enforcement.at == AT
    assert [one.decision_id for one in outcome.enforcement.measures] == [decision.id]
    assert outcome.enforcement.standing(AT) == "warned"
    assert outcome.enforcement.standing(AT + 30 * DAY) == "allowed"


def test_held_signal_reaches_the_ledger_and_changes_no_enforcement():
    outcome = apply_signal(new_case(), signal(level="review"), policy=ENFORCE)
    assert kinds(outcome) == ["held"]
    assert outcome.enforcement is None
    assert outcome.case.decisions == ()


def test_decision_is_made_at_the_signals_own_time():
    late = apply_signal(new_case(), signal(at=AT - DAY), policy=ENFORCE)
    assert late.case.decisions[0].at == AT - DAY


def test_repeated_signal_changes_nothing():
    first = apply_signal(new_case(), signal(), policy=ENFORCE)
    assert apply_signal(first.case, signal(), policy=ENFORCE) == Outcome(first.case)


def test_repeated_command_changes_nothing():
    case, decision = decided()
    first = run(case, lift(decision.id))
    assert run(first.case, lift(decision.id)) == Outcome(first.case)


def test_repeated_refused_command_changes_nothing():
    first = run(new_case(), lift("dec_unknown"))
    assert run(first.case, lift("dec_unknown")) == Outcome(first.case)


def test_three_signals_climb_three_rungs_and_the_gravest_counts():
    case, _ = decided(times=3)
    assert [one.measure for one in case.decisions] == ["warn", "throttle", "suspend"]
    assert enforcement_of(case, AT + 2 * DAY).standing(AT + 2 * DAY) == "suspended"
    assert enforcement_of(case, AT + 9 * DAY).standing(AT + 9 * DAY) == "warned"


def test_enforcement_of_an_untouched_case_is_empty():
    enforcement = enforcement_of(new_case(), AT)
    assert (enforcement.measures, enforcement.revision, enforcement.at) == ((), 0, AT)


def test_observe_mode_climbs_the_same_ladder_without_doing_anything():
    observe, enforce = new_case(), new_case()
    would = []
    for number in range(4):
        one = signal(number, level="block", at=AT + number * DAY)
        outcome = apply_signal(observe, one, policy=loaded(mode="observe"))
        observe, enforce = outcome.case, apply_signal(enforce, one, policy=ENFORCE).case
        would.append(outcome.entries[0].detail["would"])
    assert would == ["warn", "throttle", "suspend", "ban"]
    assert [one.would for one in observe.rehearsed] == [one.measure for one in enforce.decisions]
    assert enforcement_of(observe, AT).standing(AT) == "allowed"


def test_rehearsed_measures_do_not_count_once_the_policy_enforces():
    case = apply_signal(new_case(), signal(level="block"), policy=loaded(mode="observe")).case
    case = apply_signal(case, signal(2, level="block", at=AT + DAY), policy=ENFORCE).case
    assert [one.measure for one in case.decisions] == ["warn"]


def test_human_lifts_one_decision_and_its_enforcement_is_told():
    case, decision = decided(times=2)
    outcome = run(case, lift(decision.id, at=AT + DAY))
    assert kinds(outcome) == ["lift"]
    (entry,) = outcome.entries
    assert (entry.about, entry.actor, entry.detail["id"]) == (decision.id, "ines", decision.inverse)
    assert outcome.enforcement is not None
    assert outcome.enforcement.standing(AT + DAY) == "warned"
    assert outcome.enforcement.revision == 3


def test_ended_decision_can_still_be_lifted():
    case, decision = decided(times=2)
    outcome = run(case, lift(decision.id, at=AT + 20 * DAY))
    assert kinds(outcome) == ["lift"]


def test_lift_of_an_unknown_decision_is_refused_with_its_command_named():
    command = lift("dec_unknown")
    outcome = run(new_case(), command)
    assert refusal(outcome) == "decision_not_found"
    (entry,) = outcome.entries
    assert (entry.command_id, entry.about, entry.actor) == (command.id, command.id, "ines")
    assert entry.detail == {
        "command": "lift_decision",
        "code": "decision_not_found",
        "fields": {"decision_id": "dec_unknown"},
    }
    assert entry.key == "contoso|" + new_case().subject


def test_lifted_decision_is_not_lifted_again():
    case, decision = decided()
    assert refusal(run(case, lift(decision.id), lift(decision.id, actor="omar"))) == "decision_already_lifted"


@pytest.mark.parametrize("actor", ["subject", "watchfloor"])
def test_only_a_person_of_the_operator_lifts(actor: str):
    case, decision = decided()
    assert refusal(run(case, lift(decision.id, actor=actor))) == "actor_not_allowed"


def test_appeal_is_opened_claimed_and_overturned():
    case, decision = decided(times=2)
    opened = run(case, open_appeal(decision.id, at=AT + DAY))
    assert kinds(opened) == ["appeal_opened"]
    assert opened.enforcement is None
    appeal = opened.appeal
    assert appeal is not None
    assert (appeal.state, appeal.decision_id, appeal.decider) == ("open", decision.id, "watchfloor")
    assert appeal.due_at == AT + 8 * DAY

    claimed = run(opened.case, claim(appeal.id, at=AT + DAY))
    assert kinds(claimed) == ["appeal_claimed"]
    assert claimed.appeal is not None
    assert claimed.appeal.reviewer == "ines"

    closed = run(claimed.case, rule(appeal.id, at=AT + DAY))
    assert kinds(closed) == ["appeal_decided", "lift"]
    assert {entry.command_id for entry in closed.entries} == {rule(appeal.id, at=AT + DAY).id}
    assert closed.appeal is not None
    assert (closed.appeal.state, closed.appeal.reason) == ("overturned", "Fiction is allowed.")
    assert closed.enforcement is not None
    assert [one.standing for one in closed.enforcement.measures] == ["warned"]
    (lifted,) = closed.case.lifts
    assert (lifted.id, lifted.appeal_id) == (decision.inverse, appeal.id)


def test_upheld_appeal_leaves_the_measure():
    case, decision = decided()
    appeal_id = content_id("app", decision.id)
    outcome = run(case, open_appeal(decision.id), claim(appeal_id), rule(appeal_id, "upheld"))
    assert kinds(outcome) == ["appeal_decided"]
    assert outcome.enforcement is None
    assert outcome.case.in_force(AT) == (decision,)


def test_appeal_is_opened_once_per_decision():
    case, decision = decided()
    appeal_id = content_id("app", decision.id)
    again = open_appeal(decision.id, at=AT + DAY)
    assert refusal(run(case, open_appeal(decision.id), again)) == "already_appealed"
    upheld = run(case, open_appeal(decision.id), claim(appeal_id), rule(appeal_id, "upheld")).case
    assert refusal(run(upheld, again)) == "already_appealed"


def test_unknown_or_lifted_decision_is_not_appealed():
    case, decision = decided()
    assert refusal(run(case, open_appeal("dec_unknown"))) == "decision_not_found"
    assert refusal(run(case, lift(decision.id), open_appeal(decision.id))) == "decision_already_lifted"


def test_ended_decision_can_be_appealed_until_the_window_closes():
    case, decision = decided()
    assert kinds(run(case, open_appeal(decision.id, at=AT + 184 * DAY))) == ["appeal_opened"]
    late = open_appeal(decision.id, at=AT + 184 * DAY + timedelta(seconds=1))
    assert refusal(run(case, late)) == "appeal_window_closed"


def test_unknown_appeal_is_refused():
    assert refusal(run(new_case(), claim("app_unknown"))) == "appeal_not_found"


def test_overturning_after_a_lift_by_hand_lifts_nothing_twice():
    case, decision = decided()
    appeal_id = content_id("app", decision.id)
    outcome = run(case, open_appeal(decision.id), claim(appeal_id), lift(decision.id, actor="omar"), rule(appeal_id))
    assert kinds(outcome) == ["appeal_decided"]
    assert outcome.enforcement is None
    assert len(outcome.case.lifts) == 1


def test_case_survives_json():
    case, decision = decided(times=3)
    appeal_id = content_id("app", decision.id)
    case = run(case, open_appeal(decision.id), claim(appeal_id), rule(appeal_id)).case
    case = apply_signal(case, signal(50, at=AT + 9 * DAY), policy=loaded(mode="observe")).case
    assert Case.model_validate_json(case.model_dump_json()) == case


QUICK = loaded(ladder=ladder(("warn", "restrict", "1h"), ("throttle", "restrict", "1h"), memory="1h"))


def storm(case: Case, count: int) -> Case:
    for number in range(count):
        case = apply_signal(case, signal(number, at=AT + number * timedelta(hours=2)), policy=QUICK).case
    return case


def test_case_stays_bounded():
    case = storm(new_case(), 3 * HANDLED_KEPT)
    assert len(case.decisions) == DECISIONS_KEPT
    assert len(case.handled) == HANDLED_KEPT


def test_forgotten_decisions_take_their_lifts_and_appeals_with_them():
    case, decision = decided()
    appeal_id = content_id("app", decision.id)
    case = run(case, open_appeal(decision.id), claim(appeal_id), rule(appeal_id)).case
    case = apply_signal(case, signal(9, level="review", at=AT + 185 * DAY), policy=ENFORCE).case
    assert (case.decisions, case.lifts, case.appeals) == ((), (), ())


def test_decision_under_an_undecided_appeal_is_kept():
    case, decision = decided()
    case = run(case, open_appeal(decision.id)).case
    case = apply_signal(case, signal(9, level="review", at=AT + 400 * DAY), policy=ENFORCE).case
    assert case.decisions == (decision,)
    assert len(case.appeals) == 1


def test_rehearsals_are_forgotten_after_the_ladders_memory():
    observe = loaded(mode="observe")
    case = apply_signal(new_case(), signal(), policy=observe).case
    case = apply_signal(case, signal(2, level="review", at=AT + 90 * DAY), policy=observe).case
    assert case.rehearsed == ()


def test_waiting_appeals_are_bounded():
    case = storm(new_case(), APPEALS_WAITING + 1)
    at = case.decisions[-1].at
    *first, last = (open_appeal(one.id, at=at) for one in case.decisions)
    assert kinds(run(case, *first)) == ["appeal_opened"]
    assert refusal(run(case, *first, last)) == "too_many_open_appeals"


def test_command_time_is_the_time_passed_in():
    case, decision = decided()
    outcome = apply_command(case, open_appeal(decision.id), policy=ENFORCE, now=AT + DAY)
    assert outcome.appeal is not None
    assert outcome.appeal.opened_at == AT + DAY
