"""The feed over HTTP: pages, filters, what has left memory, and the stream."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from alert_facts import AT, SUBJECT, TENANT, signal
from api_world import World, event_frames, followed

from api.alert_feed import from_signal


def heard(world: World, *numbers: int) -> None:
    for number in numbers:
        world.deps.feed.apply(from_signal(signal(number, at=AT + timedelta(minutes=number))))


async def pages(world: World, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await world.get(f"/v1/alerts?limit=2{query}{cursor}", "analyst")).json()
        found += page["items"]
        if page.get("next") is None:
            return found
        cursor = f"&cursor={page['next']}"


async def test_pages_hold_every_alert_once_newest_first() -> None:
    world = World()
    heard(world, 3, 1, 5, 2, 4)
    found = await pages(world)
    assert [one["at"] for one in found] == [f"2026-03-01T12:0{number}:00Z" for number in (5, 4, 3, 2, 1)]


async def test_a_page_stays_where_it_was_while_alerts_arrive() -> None:
    world = World()
    heard(world, 1, 2, 3)
    first = (await world.get("/v1/alerts?limit=2")).json()
    heard(world, 9)
    second = (await world.get(f"/v1/alerts?limit=2&cursor={first['next']}")).json()
    assert [one["at"] for one in second["items"]] == ["2026-03-01T12:01:00Z"]


async def test_what_left_memory_comes_from_the_store_under_the_same_cursor() -> None:
    world = World(feed_size=3)
    heard(world, *range(1, 9))
    world.history.old_alerts = [from_signal(signal(n, at=AT + timedelta(minutes=n))) for n in range(1, 9)]
    assert [one["at"][15] for one in await pages(world)] == list("87654321")
    assert [one["at"][15] for one in await pages(world, "&since=2026-03-01T12:03:00Z")] == list("876543")


async def test_what_is_stored_fills_a_page_that_memory_does_not_and_nothing_is_shown_twice() -> None:
    world = World()
    heard(world, 1)
    in_memory = (await pages(world))[0]
    world.history.old_alerts = [
        from_signal(signal(7, at=AT - timedelta(days=1))),
        from_signal(signal(8, at=AT + timedelta(seconds=1))),
    ]
    shown = await pages(world)
    assert in_memory in shown
    assert len(shown) == len({str(one) for one in shown}) == 3


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("", {"signal", "decision", "incident"}),
        ("&kind=signal", {"signal"}),
        ("&kind=incident", {"incident"}),
        ("&level=warn", {"decision"}),
        ("&detector=category_spike", {"signal", "incident"}),
        (f"&tenant={TENANT}", {"signal", "decision", "incident"}),
        ("&since=2026-03-02T00:00:00Z", set()),
    ],
)
async def test_filters_leave_what_fits(query: str, kinds: set[str]) -> None:
    world = World()
    world.suspend()
    world.spike()
    assert {one["kind"] for one in await pages(world, query)} == kinds


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("cursor=nonsense", 400),
        ("limit=0", 422),
        ("limit=501", 422),
        ("kind=rumour", 422),
        ("since=yesterday", 422),
        ("since=2026-03-01T00:00:00", 422),
        ("tenant=fabrikam", 403),
    ],
)
async def test_a_wrong_query_has_its_status(query: str, status: int) -> None:
    for path in ("/v1/alerts", "/v1/alerts/stream"):
        if "cursor" not in query or "stream" not in path:
            assert (await World().get(f"{path}?{query}", "analyst")).status_code == status


async def streamed(world: World, query: str = "", **options: Any) -> list[tuple[str, str, Any]]:
    asking = asyncio.create_task(world.get(f"/v1/alerts/stream{query}", "analyst", **options))
    await followed(world.deps.feed.hub, asking)
    world.suspend()
    world.deps.close_streams()
    return event_frames((await asking).text)


async def test_a_stream_without_id_sends_what_is_new() -> None:
    world = World()
    heard(world, 50)
    frames = await streamed(world)
    assert [name for name, _, _ in frames] == ["ready", "alert", "alert", "closing"]
    assert [json.loads(data)["kind"] for name, data, _ in frames if name == "alert"] == ["signal", "decision"]


async def test_a_stream_resumes_and_filters() -> None:
    world = World()
    heard(world, 50, 51)
    frames = await streamed(world, "?kind=signal", headers={"Last-Event-ID": "e1.1"})
    assert [number for name, _, number in frames if name == "alert"] == ["e1.2", "e1.3"]


@pytest.mark.parametrize(("event_id", "reset"), [("e0.1", True), ("e1.1", True), ("e1.2", False)])
async def test_a_stream_that_may_have_a_gap_says_reset(event_id: str, *, reset: bool) -> None:
    world = World(feed_size=2)
    heard(world, 50, 51, 52, 53)
    frames = await streamed(world, headers={"Last-Event-ID": event_id})
    assert (frames[0][0] == "reset") is reset


async def test_status_counts_what_is_going_on() -> None:
    world = World()
    decision = world.suspend()
    world.spike()
    await world.post(
        "/v1/appeals", json={"tenant": TENANT, "subject": SUBJECT, "decision_id": decision.id, "statement": "no"}
    )
    found = (await world.get("/v1/status", "analyst")).json()
    assert found["subjects"] == {"warned": 1}
    assert (found["appeals"], found["incidents"]) == ({"open": 1}, {"open": 1})
    assert found["alerts"] == {"signal": 2, "decision": 1, "incident": 1, "appeal": 1}
