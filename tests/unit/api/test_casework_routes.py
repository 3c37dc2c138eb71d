"""Decisions, appeals, lifts and incidents over HTTP, carried out by the real alerts functions behind a fake log."""

from datetime import timedelta
from typing import Any

import pytest
from alert_facts import SUBJECT, TENANT, signal
from api_world import KEYS, NOW, World

from alerts.decision import Decision
from events.pseudonym import Kind, Pseudonymiser

ENFORCEMENT = f"/v1/enforcement/{TENANT}/{SUBJECT}"


def complaint(decision: Decision, **fields: Any) -> dict[str, Any]:
    asked = {"tenant": TENANT, "subject": decision.subject, "decision_id": decision.id, "statement": "A quotation."}
    return {name: value for name, value in (asked | fields).items() if value is not None}


async def opened(world: World, decision: Decision) -> str:
    answer = await world.post("/v1/appeals", "gateway", json=complaint(decision))
    assert answer.status_code == 201
    identifier: str = answer.json()["id"]
    return identifier


async def test_an_overturned_appeal_lifts_exactly_the_decision_appealed() -> None:
    world = World()
    first = world.suspend()
    world.writer.hear(signal(2, level="block", at=NOW - timedelta(minutes=1)))
    second = world.writer.cases[TENANT, SUBJECT].decisions[-1]
    assert (await world.get(ENFORCEMENT)).json()["decisions"] == [first.id, second.id]
    appeal = await opened(world, second)
    claimed = await world.post(f"/v1/appeals/{appeal}:claim", "reviewer")
    assert (claimed.status_code, claimed.json()["reviewer"]) == (200, "reviewer")
    verdict = {"outcome": "overturned", "reason": "It is a quotation."}
    ruled = await world.post(f"/v1/appeals/{appeal}:decide", "reviewer", json=verdict)
    assert (ruled.status_code, ruled.json()["state"]) == (200, "overturned")
    assert (await world.get(ENFORCEMENT)).json()["decisions"] == [first.id]
    shown = (await world.get(f"/v1/decisions/{second.id}")).json()
    assert (shown["status"], shown["appeal"]["state"]) == ("lifted", "overturned")
    assert (shown["lift"]["actor"], shown["lift"]["appeal_id"]) == ("reviewer", appeal)
    assert (await world.get(f"/v1/decisions/{first.id}")).json()["status"] == "in_force"


async def test_an_upheld_appeal_changes_nothing_for_the_subject() -> None:
    world = World()
    decision = world.suspend()
    appeal = await opened(world, decision)
    await world.post(f"/v1/appeals/{appeal}:claim", "reviewer")
    await world.post(f"/v1/appeals/{appeal}:decide", "reviewer", json={"outcome": "upheld", "reason": "It is not."})
    assert (await world.get(ENFORCEMENT)).json()["standing"] == "warned"
    assert (await world.get(f"/v1/appeals/{appeal}")).json()["state"] == "upheld"


async def test_the_appellant_is_the_affected_person_not_the_gateway() -> None:
    world = World()
    await opened(world, world.suspend())
    assert world.writer.commands[0].actor == "subject"


@pytest.mark.parametrize("key", ["k1", "k2"])
@pytest.mark.parametrize(("id_kind", "kind"), [("user", "subject"), ("session", "session"), ("api_key", "api_key")])
async def test_an_appeal_may_name_a_raw_id_under_any_key(id_kind: str, kind: Kind, key: str) -> None:
    world = World()
    decision = world.suspend(Pseudonymiser({key: KEYS[key]}).pseudonym(TENANT, kind, "jane"))
    answer = await world.post("/v1/appeals", "gateway", json=complaint(decision, subject=None, **{id_kind: "jane"}))
    assert (answer.status_code, answer.json()["subject"]) == (201, decision.subject)
    assert "jane" not in world.writer.commands[0].model_dump_json()


async def test_an_appeal_against_a_sessions_decision_in_the_users_name_is_404() -> None:
    world = World()
    decision = world.suspend(world.deps.pseudonymiser.pseudonym(TENANT, "session", "jane"))
    answer = await world.post("/v1/appeals", "gateway", json=complaint(decision, subject=None, user="jane"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "decision_not_found")


async def test_an_appeal_against_somebody_elses_decision_is_404() -> None:
    world = World()
    answer = await world.post("/v1/appeals", "gateway", json=complaint(world.suspend(), subject="k1." + "z" * 26))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "decision_not_found")


async def test_a_second_appeal_is_409() -> None:
    world = World()
    decision = world.suspend()
    await opened(world, decision)
    world.now += timedelta(seconds=1)
    answer = await world.post("/v1/appeals", "gateway", json=complaint(decision, statement="Again."))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "already_appealed")


async def test_an_appeal_after_the_window_is_422() -> None:
    world = World()
    decision = world.suspend()
    world.now = decision.at + timedelta(days=185)
    answer = await world.post("/v1/appeals", "gateway", json=complaint(decision))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "appeal_window_closed")


async def test_whoever_decided_may_not_review() -> None:
    world = World()
    appeal = await opened(world, world.suspend())
    case = world.writer.cases[TENANT, SUBJECT]
    by_reviewer = case.appeals[0].model_copy(update={"decider": "reviewer"})
    world.writer.cases[TENANT, SUBJECT] = case.model_copy(update={"appeals": (by_reviewer,)})
    answer = await world.post(f"/v1/appeals/{appeal}:claim", "reviewer")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "reviewer_is_decider")
    assert (await world.post(f"/v1/appeals/{appeal}:claim", "second")).status_code == 200


async def test_steps_out_of_order_are_409() -> None:
    world = World()
    appeal = await opened(world, world.suspend())
    verdict = {"outcome": "upheld", "reason": "fits"}
    assert (await world.post(f"/v1/appeals/{appeal}:decide", "reviewer", json=verdict)).status_code == 409
    await world.post(f"/v1/appeals/{appeal}:claim", "reviewer")
    assert (await world.post(f"/v1/appeals/{appeal}:claim", "second")).status_code == 409
    second = await world.post(f"/v1/appeals/{appeal}:decide", "second", json=verdict)
    assert (second.status_code, second.json()["error"]["code"]) == (409, "not_the_reviewer")


@pytest.mark.parametrize(
    "fields", [{"statement": ""}, {"statement": "x" * 2001}, {"statement": None}, {"decision_id": "1"}, {"user": "j"}]
)
async def test_a_malformed_appeal_is_422_and_never_sent(fields: dict[str, Any]) -> None:
    world = World()
    assert (await world.post("/v1/appeals", "gateway", json=complaint(world.suspend(), **fields))).status_code == 422
    assert world.writer.commands == []


@pytest.mark.parametrize("path", ["/v1/appeals/app_1", "/v1/decisions/dec_1", "/v1/incidents/inc_1"])
async def test_what_is_not_there_is_404(path: str) -> None:
    assert (await World().get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/v1/appeals/1", "/v1/decisions/app_1", "/v1/incidents/inc_A", "/v1/commands/x"])
async def test_what_cannot_be_an_id_is_422(path: str) -> None:
    assert (await World().get(path)).status_code == 422


async def test_appeals_are_listed_by_state_and_decision() -> None:
    world = World()
    decision = world.suspend()
    appeal = await opened(world, decision)
    for query, count in (("", 1), ("?state=open", 1), ("?state=upheld", 0), (f"?decision_id={decision.id}", 1)):
        page = (await world.get(f"/v1/appeals{query}", "reviewer")).json()
        assert [one["id"] for one in page["items"]] == [appeal] * count


async def test_a_decision_shows_what_it_stands_on() -> None:
    world = World()
    decision = world.suspend()
    shown = (await world.get(f"/v1/decisions/{decision.id}", "gateway")).json()
    assert shown["decision"]["evidence"] == ["e2", "e1"]
    assert shown["decision"]["statistic"]["threshold"] == 0.99
    assert set(shown["decision"]["numbers"]) >= {"count", "share", "gravity", "intent"}
    assert shown["decision"]["policy_version"] == decision.policy_version
    assert "How many: 14 violations" in shown["plain_words"]


async def test_a_decision_goes_through_its_statuses() -> None:
    world = World()
    decision = world.suspend()
    path = f"/v1/decisions/{decision.id}"
    assert (await world.get(path)).json()["status"] == "in_force"
    await opened(world, decision)
    assert (await world.get(path)).json()["status"] == "appealed"
    world.now = decision.until or NOW
    assert (await world.get(path)).json()["status"] == "expired"


async def test_an_old_decision_comes_from_the_store() -> None:
    world, past = World(), World()
    decision = past.suspend()
    world.history.old_decisions[decision.id] = decision
    assert (await world.get(f"/v1/decisions/{decision.id}")).json()["decision"]["id"] == decision.id


async def test_a_decision_lifted_before_what_is_kept_of_the_ledger_is_still_lifted() -> None:
    world, past = World(), World()
    decision = past.suspend()
    await past.post(f"/v1/decisions/{decision.id}:lift", "reviewer", json={"reason": "The filter was wrong."})
    world.history.old_decisions[decision.id] = decision
    for change in past.deps.views.enforcements.after(0):
        world.deps.views.enforcements.apply(f"{TENANT}|{SUBJECT}", change.value)
    shown = (await world.get(f"/v1/decisions/{decision.id}")).json()
    assert (shown["status"], shown["lift"]) == ("lifted", None)


async def test_a_lift_undoes_one_decision_once() -> None:
    world = World()
    decision = world.suspend()
    path = f"/v1/decisions/{decision.id}:lift"
    lifted = await world.post(path, "reviewer", json={"reason": "The filter was wrong."})
    assert (lifted.status_code, lifted.json()["id"]) == (200, decision.inverse)
    assert (await world.get(ENFORCEMENT)).json()["standing"] == "allowed"
    world.now += timedelta(seconds=1)
    again = await world.post(path, "reviewer", json={"reason": "Once more."})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "decision_already_lifted")


async def test_an_incident_is_acknowledged_and_resolved() -> None:
    world = World()
    incident = world.spike()
    taken = await world.post(f"/v1/incidents/{incident}:acknowledge", "analyst")
    assert (taken.status_code, taken.json()["owner"]) == (200, "analyst")
    world.now += timedelta(minutes=1)
    assert (await world.post(f"/v1/incidents/{incident}:acknowledge", "admin")).status_code == 409
    over = await world.post(f"/v1/incidents/{incident}:resolve", "analyst", json={"note": "A holiday."})
    assert over.json()["state"] == "resolved"
    assert [note["what"] for note in (await world.get(f"/v1/incidents/{incident}")).json()["timeline"]] == [
        "opened", "acknowledged", "resolved",
    ]  # fmt: skip
    world.now += timedelta(minutes=1)
    assert (
        await world.post(f"/v1/incidents/{incident}:resolve", "analyst", json={"note": "Twice."})
    ).status_code == 409


async def test_incidents_are_listed_by_state_and_detector() -> None:
    world = World()
    world.spike()
    for query, count in (("", 1), ("?state=open", 1), ("?state=resolved", 0), ("?detector=groundedness_drift", 0)):
        assert len((await world.get(f"/v1/incidents{query}", "analyst")).json()["items"]) == count


async def test_the_same_idempotency_key_is_done_once() -> None:
    world = World()
    decision = world.suspend()
    key = {"Idempotency-Key": "click-0001"}
    first = await world.post("/v1/appeals", "gateway", json=complaint(decision), headers=key)
    world.now += timedelta(seconds=30)
    again = await world.post("/v1/appeals", "gateway", json=complaint(decision), headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(world.writer.commands) == 1


async def test_an_idempotency_key_used_for_something_else_is_409() -> None:
    world = World()
    decision = world.suspend()
    key = {"Idempotency-Key": "click-0001"}
    await world.post("/v1/appeals", "gateway", json=complaint(decision), headers=key)
    other = await world.post("/v1/appeals", "gateway", json=complaint(decision, statement="Other."), headers=key)
    assert (other.status_code, other.json()["error"]["field"]) == (409, "Idempotency-Key")


async def test_the_keys_of_two_tokens_do_not_meet() -> None:
    world = World()
    appeal = await opened(world, world.suspend())
    key = {"Idempotency-Key": "click-0001"}
    assert (await world.post(f"/v1/appeals/{appeal}:claim", "reviewer", headers=key)).status_code == 200
    assert (await world.post(f"/v1/appeals/{appeal}:claim", "second", headers=key)).status_code == 409


@pytest.mark.parametrize("key", ["short", "x" * 201])
async def test_an_idempotency_key_has_a_sensible_length(key: str) -> None:
    world = World()
    answer = await world.post("/v1/appeals", json=complaint(world.suspend()), headers={"Idempotency-Key": key})
    assert answer.status_code == 422


async def test_a_command_not_carried_out_in_time_is_202_and_can_be_asked_for() -> None:
    world = World()
    decision = world.suspend()
    world.writer.silent = True
    answer = await world.post("/v1/appeals", "gateway", json=complaint(decision))
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    where = answer.headers["location"]
    assert (await world.get(where, "gateway")).json()["status"] == "pending"
    world.writer.carry_out(world.writer.commands[0])
    done = (await world.get(where, "gateway")).json()
    assert (done["status"], done["entry"]["kind"]) == ("done", "appeal_opened")


async def test_a_refused_command_can_be_asked_for_too() -> None:
    world = World()
    decision = world.suspend()
    await world.post("/v1/appeals", "gateway", json=complaint(decision, subject="k1." + "z" * 26))
    found = (await world.get(f"/v1/commands/{world.writer.commands[0].id}")).json()
    assert (found["status"], found["entry"]["detail"]["code"]) == ("refused", "decision_not_found")


async def test_a_log_that_does_not_acknowledge_is_503() -> None:
    world = World()
    decision = world.suspend()
    world.writer.available = False
    answer = await world.post("/v1/appeals", "gateway", json=complaint(decision))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "broker_unavailable")
