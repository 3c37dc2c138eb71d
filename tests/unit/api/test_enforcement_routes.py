"""What gateways are told: one subject, many, and every change."""

import asyncio
import json
from datetime import timedelta
from typing import Any, get_args
from urllib.parse import quote

import pytest
from alert_facts import AT, SUBJECT, TENANT
from api_world import KEYS, World, envelope, event_frames, followed

from api.standing import IdKind
from events.pseudonym import Kind, Pseudonymiser

ID_KINDS = get_args(IdKind)
KINDS: list[tuple[str, Kind]] = [("user", "subject"), ("session", "session"), ("api_key", "api_key")]
OTHER = "k1." + "b" * 26
PATH = f"/v1/enforcement/{TENANT}"


async def test_a_subject_nobody_decided_about_is_allowed() -> None:
    world = World()
    answer = await world.get(f"{PATH}/{SUBJECT}", "gateway")
    assert answer.json() == {
        "tenant": TENANT, "subject": SUBJECT, "standing": "allowed", "until": None, "message": None, "decisions": [],
        "revision": 0, "fail_mode": "open", "as_of": "2026-03-01T13:00:00Z",
    }  # fmt: skip


async def test_a_decision_shows_with_its_message_end_and_revision() -> None:
    world = World()
    decision = world.suspend()
    found = (await world.get(f"{PATH}/{SUBJECT}", "gateway")).json()
    assert (found["standing"], found["message"], found["decisions"]) == ("warned", decision.message, [decision.id])
    assert found["until"] == "2026-03-31T12:00:00Z"
    assert found["revision"] == 1


async def test_a_measure_ends_at_its_time_without_any_further_record() -> None:
    world = World()
    decision = world.suspend()
    assert decision.until is not None
    world.now = decision.until - timedelta(microseconds=1)
    assert (await world.get(f"{PATH}/{SUBJECT}")).json()["standing"] == "warned"
    world.now = decision.until
    found = (await world.get(f"{PATH}/{SUBJECT}")).json()
    assert (found["standing"], found["decisions"], found["revision"]) == ("allowed", [], 1)


@pytest.mark.parametrize("key", ["k1", "k2"])
@pytest.mark.parametrize("raw", ["jane", "jane/doe", "jane doe+ä@example.com", "a|b", "%2e"])
@pytest.mark.parametrize(("id_kind", "kind"), KINDS)
async def test_a_raw_id_is_found_under_every_key(id_kind: str, kind: Kind, raw: str, key: str) -> None:
    world = World()
    world.suspend(Pseudonymiser({key: KEYS[key]}).pseudonym(TENANT, kind, raw))
    found = (await world.get(f"{PATH}/{quote(raw, safe='')}?id_kind={id_kind}", "gateway")).json()
    assert found["standing"] == "warned"
    batch = {"subjects": [{"tenant": TENANT, id_kind: raw}]}
    assert (await world.post("/v1/enforcement:batch", "gateway", json=batch)).json()["items"] == [found]


@pytest.mark.parametrize(("decided", "kind"), KINDS)
async def test_one_text_as_user_session_and_key_has_three_standings(decided: str, kind: Kind) -> None:
    world = World()
    world.suspend(world.deps.pseudonymiser.pseudonym(TENANT, kind, "jane"))
    world.suspend(world.deps.pseudonymiser.pseudonym("fabrikam", kind, "anna"), "fabrikam")
    for raw, restricted in (("jane", [decided]), ("anna", [])):
        people = {"subjects": [{"tenant": TENANT, id_kind: raw} for id_kind, _ in KINDS]}
        answers = (await world.post("/v1/enforcement:batch", "gateway", json=people)).json()["items"]
        found = zip((id_kind for id_kind, _ in KINDS), answers, strict=True)
        assert [id_kind for id_kind, one in found if one["standing"] != "allowed"] == restricted


@pytest.mark.parametrize("form", ["azure-openai-chat", "canonical"])
async def test_what_was_sent_with_events_is_found_by_the_same_names(form: str) -> None:
    world = World()
    names = {"user": "jane@example.com", "session": "chat 7", "api_key": "checkout/production"}
    feedback = {
        "kind": "user_feedback", "event_id": "f1", "at": AT.isoformat(), "tenant": TENANT, "request_id": "req-1",
        "provider": "azure.openai", "model": "gpt-4.1", "thumb": "down",
    }  # fmt: skip
    item = (envelope() if form == "azure-openai-chat" else feedback) | names
    assert (await world.post(f"/v1/ingest/{form}", "ingest", json=item)).status_code == 202
    stored = world.sink.events[0]
    assert stored.session
    assert stored.api_key
    people = {"subjects": [{"tenant": TENANT, id_kind: raw} for id_kind, raw in names.items()]}
    found = (await world.post("/v1/enforcement:batch", "gateway", json=people)).json()["items"]
    assert [one["subject"] for one in found] == [stored.subject, stored.session, stored.api_key]


@pytest.mark.parametrize("raw", ["", " ", "jane" * 200])
@pytest.mark.parametrize("id_kind", ["user", "session", "api_key"])
async def test_a_blank_or_endless_raw_id_is_422_and_not_repeated(id_kind: str, raw: str) -> None:
    world, people = World(), {"subjects": [{"tenant": TENANT, id_kind: raw}]}
    one = await world.get(f"{PATH}/{quote(raw)}?id_kind={id_kind}", "gateway")
    many = await world.post("/v1/enforcement:batch", "gateway", json=people)
    assert [answer.status_code for answer in (one, many)] == [422, 422]
    assert many.json()["error"]["field"] == f"subjects[0].{id_kind}"
    assert "jane" not in one.text + many.text


@pytest.mark.parametrize("one", ID_KINDS)
@pytest.mark.parametrize("other", ID_KINDS)
async def test_somebody_is_named_in_exactly_one_way(one: str, other: str) -> None:
    names = dict.fromkeys((one, other), SUBJECT)
    answer = await World().post("/v1/enforcement:batch", "gateway", json={"subjects": [{"tenant": TENANT} | names]})
    assert answer.status_code == (200 if one == other else 422)
    assert SUBJECT not in answer.text or one == other


async def test_an_id_of_no_known_kind_is_422() -> None:
    answer = await World().get(f"{PATH}/jane?id_kind=prompt", "gateway")
    assert (answer.status_code, "jane" in answer.text) == (422, False)


@pytest.mark.parametrize("subject", ["jane", "K1." + "a" * 26, "k1.short", "x" * 600])
async def test_what_is_no_pseudonym_is_422_and_not_repeated(subject: str) -> None:
    answer = await World().get(f"{PATH}/{subject}", "gateway")
    assert answer.status_code == 422
    assert subject not in answer.text


async def test_a_batch_is_answered_in_order() -> None:
    world = World()
    world.suspend()
    people = [
        {"tenant": TENANT, "subject": OTHER},
        {"tenant": TENANT, "subject": SUBJECT},
        {"tenant": TENANT, "user": "j"},
    ]
    found = (await world.post("/v1/enforcement:batch", "gateway", json={"subjects": people})).json()["items"]
    assert [one["standing"] for one in found] == ["allowed", "warned", "allowed"]
    assert [one["subject"] for one in found[:2]] == [OTHER, SUBJECT]


@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 422)])
async def test_a_batch_holds_a_thousand(size: int, status: int) -> None:
    people = {"subjects": [{"tenant": TENANT, "subject": SUBJECT}] * size}
    assert (await World().post("/v1/enforcement:batch", "gateway", json=people)).status_code == status


async def test_one_foreign_tenant_refuses_the_whole_batch() -> None:
    people = {"subjects": [{"tenant": TENANT, "subject": SUBJECT}, {"tenant": "fabrikam", "subject": SUBJECT}]}
    assert (await World().post("/v1/enforcement:batch", "gateway", json=people)).status_code == 403


async def streamed(world: World, query: str = "", token: str = "gateway", **options: Any) -> list[tuple[str, str, Any]]:
    """Everything that a stream sends until it is closed a moment later."""
    asking = asyncio.create_task(world.get(f"/v1/enforcement/stream{query}", token, **options))
    await followed(world.deps.views.enforcements.hub, asking)
    world.suspend(OTHER, number=99)
    world.deps.close_streams()
    return event_frames((await asking).text)


def subjects(frames: list[tuple[str, str, Any]]) -> list[str]:
    return [json.loads(data)["subject"] for name, data, _ in frames if name == "enforcement"]


async def test_a_stream_starts_with_a_snapshot_and_goes_on_with_changes() -> None:
    world = World()
    world.suspend()
    frames = await streamed(world)
    assert [name for name, _, _ in frames] == ["enforcement", "ready", "enforcement", "closing"]
    assert subjects(frames) == [SUBJECT, OTHER]
    assert [number for _, _, number in frames] == ["e1.1", "e1.1", "e1.2", None]
    assert json.loads(frames[0][1])["fail_mode"] == "open"


async def test_a_stream_resumes_after_the_last_event_id() -> None:
    world = World()
    world.suspend()
    world.suspend("k1." + "c" * 26)
    frames = await streamed(world, headers={"Last-Event-ID": "e1.1"})
    assert subjects(frames) == ["k1." + "c" * 26, OTHER]


@pytest.mark.parametrize(("start", "count"), [("now", 1), ("start", 2), ("e1.1", 1), ("e1.0", 2)])
async def test_a_stream_starts_where_the_client_says(start: str, count: int) -> None:
    world = World()
    world.suspend()
    assert len(subjects(await streamed(world, f"?from={start}"))) == count


async def test_an_id_of_another_run_means_reset_and_a_whole_snapshot() -> None:
    world = World()
    world.suspend()
    frames = await streamed(world, headers={"Last-Event-ID": "e0.7"})
    assert [name for name, _, _ in frames] == ["reset", "enforcement", "ready", "enforcement", "closing"]


async def test_a_stream_shows_the_tokens_tenants_only() -> None:
    world = World()
    world.suspend()
    world.suspend(tenant="fabrikam")
    assert len(subjects(await streamed(world))) == 2
    world = World()
    world.suspend()
    world.suspend(tenant="fabrikam")
    assert subjects(await streamed(world, token="foreign")) == [SUBJECT]
    world = World()
    world.suspend(tenant="fabrikam")
    assert subjects(await streamed(world, f"?tenant={TENANT}", token="admin")) == [OTHER]


@pytest.mark.parametrize("start", ["soon", "e1", "e1.x", "1"])
async def test_an_event_id_nobody_gave_is_400(start: str) -> None:
    assert (await World().get(f"/v1/enforcement/stream?from={start}", "gateway")).status_code == 400


async def test_more_streams_than_allowed_are_503() -> None:
    world = World()
    world.deps.views.enforcements.hub._max = 0
    answer = await world.get("/v1/enforcement/stream", "gateway")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "too_many_streams")


async def test_a_client_too_slow_for_the_queue_is_cut_and_can_resume_without_a_gap() -> None:
    world = World(stream_queue=2)
    asking = asyncio.create_task(world.get("/v1/enforcement/stream", "gateway"))
    await followed(world.deps.views.enforcements.hub, asking)
    letters = "cdefg"
    for number, letter in enumerate(letters):
        world.suspend("k1." + letter * 26, number=number)
    frames = event_frames((await asking).text)
    assert frames[-1][0] == "slow_client"
    last = [number for _, _, number in frames if number][-1]
    more = await streamed(world, headers={"Last-Event-ID": last})
    assert [one[3] for one in subjects(frames) + subjects(more)] == [*letters, "b"]
    assert "watchfloor_api_streams_cut_total 1.0" in (await world.get("/metrics")).text


async def test_the_time_of_an_answer_is_the_clocks() -> None:
    world = World()
    world.now = AT + timedelta(days=3)
    assert (await world.get(f"{PATH}/{SUBJECT}")).json()["as_of"] == "2026-03-04T12:00:00Z"
