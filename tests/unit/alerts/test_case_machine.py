"""Any sequence of signals and commands keeps the case's promises."""

from datetime import datetime, timedelta
from typing import Any

from alert_facts import AT, ENFORCE, claim, lift, new_case, open_appeal, rule, signal
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition
from hypothesis.stateful import rule as step

from alerts.case import Case, Outcome, apply_command, apply_signal, enforcement_of
from alerts.command import SubjectCommand
from alerts.decision import MEASURES, Decision
from alerts.enforcement import STANDINGS
from alerts.record import content_id

MOMENTS = st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=40))
ACTORS = st.sampled_from(["ines", "omar", "ines", "omar", "watchfloor", "subject"])


class Subject(RuleBasedStateMachine):
    """Signals and commands for one subject, as time goes on; `lifted` is the model of what people undid."""

    @initialize()
    def start(self) -> None:
        self.case: Case = new_case()
        self.now: datetime = AT
        self.made: dict[str, Decision] = {}
        self.lifted: set[str] = set()
        self.acts: list[Any] = []

    def take(self, outcome: Outcome) -> Outcome:
        kept = {one.id for one in outcome.case.decisions}
        self.made = {one.id: one for one in (*self.made.values(), *outcome.case.decisions) if one.id in kept}
        self.case = outcome.case
        if outcome.enforcement:
            assert outcome.enforcement == enforcement_of(self.case, self.now)
        return outcome

    def command(self, command: SubjectCommand) -> Outcome:
        outcome = self.take(apply_command(self.case, command, policy=ENFORCE, now=self.now))
        repeated = any(one.id == command.id for one in self.acts)
        assert repeated or command.id in {entry.command_id for entry in outcome.entries}
        self.acts.append(command)
        for entry in outcome.entries:
            if entry.kind == "lift":
                assert entry.about not in self.lifted, "lifted twice"
                self.lifted.add(entry.about)
        return outcome

    @step(later=MOMENTS)
    def time_passes(self, later: timedelta) -> None:
        self.now += later

    @step(number=st.integers(0, 40), level=st.sampled_from(["review", "restrict", "block"]))
    def signalled(self, number: int, level: str) -> None:
        one = signal(number, level=level, at=self.now)
        before = self.case
        self.take(apply_signal(before, one, policy=ENFORCE))
        assert len(self.case.decisions) <= len(before.decisions) + 1
        self.acts.append(one)

    @precondition(lambda self: self.made)
    @step(data=st.data(), actor=ACTORS)
    def appealed(self, data: st.DataObject, actor: str) -> None:
        self.command(open_appeal(data.draw(st.sampled_from(sorted(self.made))), actor=actor, at=self.now))

    @precondition(lambda self: self.case.appeals)
    @step(data=st.data(), actor=ACTORS)
    def claimed(self, data: st.DataObject, actor: str) -> None:
        appeal = data.draw(st.sampled_from(self.case.appeals))
        outcome = self.command(claim(appeal.id, actor=actor, at=self.now))
        if outcome.appeal:
            assert outcome.appeal.reviewer not in ("watchfloor", "subject")

    @precondition(lambda self: any(one.state == "claimed" for one in self.case.appeals))
    @step(data=st.data(), actor=ACTORS, verdict=st.sampled_from(["overturned", "upheld"]))
    def reviewed(self, data: st.DataObject, actor: str, verdict: str) -> None:
        appeal = data.draw(st.sampled_from(self.case.appeals))
        forces = self.case.in_force(self.now)
        outcome = self.command(rule(appeal.id, verdict, actor=actor, at=self.now))
        if outcome.appeal is None:
            assert self.case.in_force(self.now) == forces
        else:
            assert (appeal.state, appeal.reviewer) == ("claimed", actor)
            lost = set(forces) - set(self.case.in_force(self.now))
            assert {one.id for one in lost} <= ({appeal.decision_id} if verdict == "overturned" else set())

    @precondition(lambda self: self.made)
    @step(data=st.data(), actor=ACTORS)
    def lifted_by_hand(self, data: st.DataObject, actor: str) -> None:
        decision_id = data.draw(st.sampled_from(sorted(self.made)))
        forces = self.case.in_force(self.now)
        self.command(lift(decision_id, actor=actor, at=self.now))
        assert {one.id for one in set(forces) - set(self.case.in_force(self.now))} <= {decision_id}

    @precondition(lambda self: self.acts)
    @step(data=st.data())
    def repeated(self, data: st.DataObject) -> None:
        act = data.draw(st.sampled_from(self.acts))
        if act.id not in self.case.handled:
            return
        if hasattr(act, "kind"):
            assert apply_command(self.case, act, policy=ENFORCE, now=self.now) == Outcome(self.case)
        else:
            assert apply_signal(self.case, act, policy=ENFORCE) == Outcome(self.case)

    @invariant()
    def enforcement_is_the_gravest_unexpired_unlifted_decision(self) -> None:
        live = [
            one
            for one in self.made.values()
            if one.id not in self.lifted and (one.until is None or one.until > self.now)
        ]
        gravest = max((MEASURES.index(one.measure) + 1 for one in live), default=0)
        assert enforcement_of(self.case, self.now).standing(self.now) == STANDINGS[gravest]

    @invariant()
    def lifts_are_the_registered_inverses(self) -> None:
        for one in self.case.lifts:
            assert one.id == self.made[one.decision_id].inverse
            assert one.decision_id in self.lifted

    @invariant()
    def state_survives_json(self) -> None:
        assert Case.model_validate_json(self.case.model_dump_json()) == self.case


Subject.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestSubject = Subject.TestCase

GAPS = st.lists(st.tuples(MOMENTS, st.sampled_from(["review", "restrict", "block"])), max_size=8)


def replay(gaps: list[tuple[timedelta, str]]) -> Case:
    case, now = new_case(), AT
    for number, (gap, level) in enumerate(gaps):
        now += gap
        case = apply_signal(case, signal(number, level=level, at=now), policy=ENFORCE).case
    return case


@given(gaps=GAPS, later=MOMENTS)
def test_a_decision_and_its_reversal_leave_the_original_enforcement(
    gaps: list[tuple[timedelta, str]], later: timedelta
):
    before = replay(gaps)
    now = before.decisions[-1].at + later if before.decisions else AT + later
    after = apply_signal(before, signal(99, level="block", at=now), policy=ENFORCE).case
    for one in set(after.decisions) - set(before.decisions):
        undone = apply_command(after, lift(one.id, at=now), policy=ENFORCE, now=now).case
        assert enforcement_of(undone, now).measures == enforcement_of(before, now).measures


@given(gaps=GAPS)
def test_the_same_signals_make_the_same_case_even_when_each_comes_twice(gaps: list[tuple[timedelta, str]]):
    once, twice, now = replay(gaps), new_case(), AT
    for number, (gap, level) in enumerate(gaps):
        now += gap
        for _ in range(2):
            twice = apply_signal(twice, signal(number, level=level, at=now), policy=ENFORCE).case
    assert once == twice


def test_appeal_ids_are_functions_of_the_decision():
    case = replay([(timedelta(minutes=1), "block")])
    outcome = apply_command(case, open_appeal(case.decisions[0].id), policy=ENFORCE, now=AT)
    assert outcome.appeal is not None
    assert outcome.appeal.id == content_id("app", case.decisions[0].id)
