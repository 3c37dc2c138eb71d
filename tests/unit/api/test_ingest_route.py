"""POST /v1/ingest: every broken variant has its status and stores nothing; what is accepted is on the log."""

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from api_world import NOW, World, envelope

from events import FilterVerdict, RequestLog

PATH = "/v1/ingest/azure-openai-chat"


def canonical(**fields: Any) -> dict[str, Any]:
    item = {
        "kind": "request_log", "event_id": "r1:log", "request_id": "r1", "at": NOW.isoformat(), "tenant": "contoso",
        "user": "jane", "provider": "azure.openai", "model": "gpt-4.1", "outcome": "completed",
    } | fields  # fmt: skip
    return {name: value for name, value in item.items() if value is not None}


async def test_one_envelope_becomes_its_log_and_verdicts_under_a_pseudonym() -> None:
    world = World()
    answer = await world.post(PATH, "ingest", json=envelope())
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 1, "rejected": 0, "items": [{"index": 0, "status": "accepted"}]}
    log, verdict = world.sink.events
    assert isinstance(log, RequestLog)
    assert isinstance(verdict, FilterVerdict)
    assert log.subject == world.deps.pseudonymiser.pseudonym("contoso", "subject", "jane")
    assert "jane" not in log.model_dump_json()


async def test_canonical_events_are_taken_too() -> None:
    world = World()
    assert (await world.post("/v1/ingest/canonical", "ingest", json=canonical())).status_code == 202
    assert [event.event_id for event in world.sink.events] == ["r1:log"]


FUTURE = (NOW + timedelta(minutes=5, seconds=1)).isoformat()


@pytest.mark.parametrize(
    ("item", "status", "code", "field"),
    [
        (envelope(user=None), 422, "invalid", "user"),
        (envelope(user=""), 422, "invalid", "user"),
        (envelope(user=7), 422, "invalid", "user"),
        (envelope(id=None), 422, "invalid", "id"),
        (envelope(at="yesterday"), 422, "invalid", "at"),
        (envelope(at="2026-03-01T12:00:00"), 422, "invalid", "at"),
        (envelope(at=FUTURE), 422, "future_time", "at"),
        (envelope(tenant="fabrikam"), 403, "other_tenant", "tenant"),
        (envelope(tenant="Not A Tenant"), 422, "invalid", "tenant"),
        (envelope(latency_ms=-1), 422, "invalid", "latency_ms"),
        ("just text", 422, "invalid", None),
        (7, 422, "invalid", None),
        (None, 422, "invalid", None),
    ],
)
async def test_a_broken_item_gets_its_status_and_nothing_is_published(
    item: Any, status: int, code: str, field: str | None
) -> None:
    world = World()
    answer = await world.post(PATH, "ingest", content=json.dumps(item))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error.get("field")) == (status, code, field)
    assert world.sink.events == []


@pytest.mark.parametrize(
    "fields",
    [{"category": "no_such_category"}, {"state": "perhaps"}, {"severity": 9}, {"stage": None}, {"kind": "verdict"}],
)
async def test_a_canonical_verdict_with_an_unknown_word_is_422(fields: dict[str, Any]) -> None:
    world = World()
    verdict = {
        "kind": "filter_verdict", "filter": "f", "stage": "prompt", "category": "hate", "provider_category": "hate",
        "state": "blocked",
    }  # fmt: skip
    assert (await world.post("/v1/ingest/canonical", "ingest", json=canonical(**verdict))).status_code == 202
    world.sink.events.clear()
    answer = await world.post("/v1/ingest/canonical", "ingest", json=canonical(**verdict | fields))
    assert answer.status_code == 422
    assert world.sink.events == []
    assert "no_such_category" not in answer.text
    assert "perhaps" not in answer.text


async def test_an_event_just_within_the_allowed_future_is_taken() -> None:
    item = envelope(at=(NOW + timedelta(minutes=5)).isoformat())
    assert (await World().post(PATH, "ingest", json=item)).status_code == 202


async def test_the_tenant_may_be_left_out_where_the_token_has_only_one() -> None:
    world = World()
    assert (await world.post(PATH, "ingest", json=envelope(tenant=None))).status_code == 202
    assert {event.tenant for event in world.sink.events} == {"contoso"}
    assert (await world.post(PATH, "admin", json=envelope(tenant=None))).status_code == 422


async def test_a_batch_reports_per_item_and_publishes_the_good_ones_whole() -> None:
    world = World()
    items = [envelope(id="a"), envelope(user=None), envelope(id="b"), envelope(tenant="fabrikam"), envelope(at=FUTURE)]
    answer = await world.post(PATH, "ingest", json=items)
    report = answer.json()
    assert (answer.status_code, report["accepted"], report["rejected"]) == (207, 2, 3)
    assert [item["status"] for item in report["items"]] == ["accepted", "rejected", "accepted", "rejected", "rejected"]
    assert [item["error"]["code"] for item in report["items"] if "error" in item] == [
        "invalid", "other_tenant", "future_time",
    ]  # fmt: skip
    assert [event.event_id for event in world.sink.events] == ["a:log", "a:prompt:hate", "b:log", "b:prompt:hate"]


async def test_lines_with_a_truncated_last_one_keep_the_others() -> None:
    world = World()
    raw = json.dumps(envelope(id="a")) + "\n" + json.dumps(envelope(id="b"))[:-9]
    answer = await world.post(PATH, "ingest", content=raw)
    assert answer.status_code == 207
    assert answer.json()["items"][1]["error"]["code"] == "unreadable"
    assert {event.event_id for event in world.sink.events} == {"a:log", "a:prompt:hate"}


@pytest.mark.parametrize("items", [[], [envelope(user=None)], [envelope(tenant="fabrikam")]])
async def test_a_batch_without_a_good_item_is_422(items: list[Any]) -> None:
    world = World()
    answer = await world.post(PATH, "ingest", json=items)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "no_item_accepted"
    assert len(answer.json()["items"]) == len(items)
    assert world.sink.events == []


async def test_truncated_json_is_400() -> None:
    world = World()
    answer = await world.post(PATH, "ingest", content=json.dumps(envelope())[:-5])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unreadable")
    assert world.sink.events == []


async def test_an_unknown_format_is_404_and_the_known_ones_are_named() -> None:
    answer = await World().post("/v1/ingest/other", "ingest", json=envelope())
    assert answer.status_code == 404
    assert answer.json()["error"]["detail"]["formats"] == ["azure-openai-chat", "canonical"]


async def test_too_many_items_are_413() -> None:
    world = World(max_items=2)
    assert (await world.post(PATH, "ingest", json=[envelope()] * 3)).status_code == 413
    assert world.sink.events == []


async def test_a_log_that_does_not_acknowledge_is_503_with_a_time_to_come_back() -> None:
    world = World()
    world.sink.available = False
    answer = await world.post(PATH, "ingest", json=[envelope()])
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "broker_unavailable")
    assert answer.headers["retry-after"]


async def test_a_large_batch_is_judged_whole_and_in_order() -> None:
    world = World()
    items = [envelope(id=f"r{number}") for number in range(350)]
    raw = gzip.compress("\n".join(map(json.dumps, items)).encode())
    answer = await world.post(PATH, "ingest", content=raw, headers={"Content-Encoding": "gzip"})
    assert answer.json()["accepted"] == 350
    assert [event.event_id for event in world.sink.events[::2]] == [f"r{number}:log" for number in range(350)]


async def test_counts_reach_the_metrics_and_the_status() -> None:
    world = World()
    await world.post(PATH, "ingest", json=[envelope(), envelope(user=None)])
    text = (await world.get("/metrics")).text
    assert 'watchfloor_api_ingested_items_total{format="azure-openai-chat",status="accepted"} 1.0' in text
    assert 'watchfloor_api_ingested_items_total{format="azure-openai-chat",status="rejected"} 1.0' in text
    assert (await world.get("/v1/status")).json()["ingested"] == 1


async def test_no_refusal_repeats_what_was_sent() -> None:
    secret = "jane-the-secret-user"
    for item in (envelope(user=secret, at="never-" + secret), envelope(user=[secret]), {secret: secret}):
        assert secret not in (await World().post(PATH, "ingest", json=[item, item])).text
