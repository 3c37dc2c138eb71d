"""The commander: sending, waiting, remembering."""

import asyncio
from datetime import timedelta

import pytest
from alert_facts import AT, claim, decided, lift, open_appeal, rule, run
from api_world import Writer

from alerts.command import Command
from alerts.errors import (
    ActorNotAllowed,
    AppealNotFound,
    AppealNotOpen,
    AppealWindowClosed,
    CommandRefused,
    DecisionNotFound,
    ReviewerIsDecider,
)
from alerts.ledger import LedgerEntry, entry_of_refusal
from api.commands import Commander, Pending, refusal
from api.errors import BrokerUnavailable, Conflict, Refused, RefusedUnfit, RefusedUnknown, answer_to

CASE, DECISION = decided()
OPENED = run(CASE, open_appeal(DECISION.id)).entries[0]
COMMAND = open_appeal(DECISION.id)


class Sink:
    """CommandSink that answers through the commander with what it is told."""

    def __init__(self, *answers: LedgerEntry) -> None:
        self.sent: list[Command] = []
        self.answers = answers
        self.commander = Commander(self, patience=timedelta(milliseconds=10))

    async def submit(self, command: Command) -> None:
        self.sent.append(command)
        for entry in self.answers:
            self.commander.heard(entry.model_copy(update={"command_id": command.id}))


async def test_a_command_returns_its_ledger_entry() -> None:
    sink = Sink(OPENED)
    told = await sink.commander.submit(COMMAND)
    assert isinstance(told, LedgerEntry)
    assert told.kind == "appeal_opened"


async def test_a_command_nobody_answers_is_pending_and_found_later() -> None:
    sink = Sink()
    assert await sink.commander.submit(COMMAND) == Pending(COMMAND.id)
    assert sink.commander.outcome(COMMAND.id) is None
    sink.commander.heard(OPENED)
    assert sink.commander.outcome(COMMAND.id) == OPENED


async def test_a_command_repeated_after_its_outcome_is_not_sent_again() -> None:
    sink = Sink(OPENED)
    first = await sink.commander.submit(COMMAND)
    assert await sink.commander.submit(COMMAND.model_copy(update={"at": AT + timedelta(hours=1)})) == first
    assert len(sink.sent) == 1


async def test_a_pending_command_repeated_is_sent_as_it_was() -> None:
    sink = Sink()
    await sink.commander.submit(COMMAND)
    await sink.commander.submit(COMMAND.model_copy(update={"at": AT + timedelta(hours=1)}))
    assert sink.sent == [COMMAND, COMMAND]


async def test_an_id_used_for_something_else_is_a_conflict() -> None:
    sink = Sink(OPENED)
    await sink.commander.submit(COMMAND)
    with pytest.raises(Conflict):
        await sink.commander.submit(COMMAND.model_copy(update={"statement": "Another reason."}))


async def test_two_waiting_for_one_command_both_get_its_outcome() -> None:
    sink = Sink()
    sink.commander = Commander(sink, patience=timedelta(seconds=5))
    both = [asyncio.create_task(sink.commander.submit(COMMAND)) for _ in range(2)]
    await asyncio.sleep(0)
    sink.commander.heard(OPENED)
    assert await asyncio.gather(*both) == [OPENED, OPENED]


async def test_the_outcome_of_deciding_an_appeal_is_the_appeal_even_when_the_lift_arrives_first() -> None:
    outcome = run(CASE, COMMAND)
    appeal_id = outcome.case.appeals[0].id
    from_claim = run(outcome.case, claim(appeal_id), rule(appeal_id))
    decided_entry, lift_entry = from_claim.entries
    told = await Sink(lift_entry, decided_entry).commander.submit(rule(appeal_id))
    assert isinstance(told, LedgerEntry)
    assert told.kind == "appeal_decided"


async def test_a_lift_by_hand_is_its_own_outcome() -> None:
    entry = run(CASE, lift(DECISION.id)).entries[0]
    told = await Sink(entry).commander.submit(lift(DECISION.id))
    assert isinstance(told, LedgerEntry)
    assert told.kind == "lift"


async def test_a_broker_that_does_not_acknowledge_is_told_and_leaves_nothing_waiting() -> None:
    writer = Writer()
    writer.available = False
    commander = Commander(writer)
    with pytest.raises(BrokerUnavailable):
        await commander.submit(COMMAND)
    writer.available, writer.silent = True, True
    commander = Commander(writer, patience=timedelta(milliseconds=5))
    assert await commander.submit(COMMAND) == Pending(COMMAND.id)


async def test_only_the_last_outcomes_are_remembered() -> None:
    commander = Commander(Writer(), memory=2)
    for number in range(3):
        commander.heard(OPENED.model_copy(update={"command_id": f"cmd_{number}"}))
    assert commander.outcome("cmd_0") is None
    assert commander.outcome("cmd_2") is not None


@pytest.mark.parametrize(
    ("cause", "kind", "status"),
    [
        (DecisionNotFound("dec_1"), RefusedUnknown, 404),
        (AppealNotFound("app_1"), RefusedUnknown, 404),
        (AppealNotOpen("app_1", "claimed"), Refused, 409),
        (ReviewerIsDecider("app_1", "ana"), Refused, 409),
        (AppealWindowClosed("dec_1", AT), RefusedUnfit, 422),
        (ActorNotAllowed("subject"), RefusedUnfit, 422),
    ],
)
async def test_a_refusal_becomes_an_error_by_its_code(cause: CommandRefused, kind: type[Refused], status: int) -> None:
    entry = entry_of_refusal(COMMAND, cause, at=AT)
    with pytest.raises(kind) as raised:
        await Sink(entry).commander.submit(COMMAND)
    assert raised.value.reason == cause.code
    assert answer_to(refusal(entry)).status == status
