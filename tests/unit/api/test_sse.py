"""Streams: what was missed, what is new, heartbeats, slow clients, the end."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from api_world import event_frames

from api.changes import Hub
from api.errors import TooManyStreams
from api.sse import HEARTBEAT, Source, follow, frame, stream


def source(hub: Hub[str], *, opening: str | None = None, render: Callable[[str], str | None] = str) -> Source[str]:
    return Source(hub, "letter", list, render, opening)


def nothing() -> None:
    return


async def test_a_stream_is_ready_then_sends_each_change_with_its_id() -> None:
    hub: Hub[str] = Hub("e")
    events = follow(source(hub), queue=10, heartbeat=60, cut=nothing)
    assert await anext(events) == b"event: ready\ndata: {}\nid: e.0\n\n"
    hub.publish("1")
    assert await anext(events) == b"event: letter\ndata: 1\nid: e.1\n\n"
    hub.close()
    assert [text async for text in events] == [b"event: closing\ndata: {}\n\n"]
    assert len(hub) == 0


async def test_silence_is_filled_with_heartbeats() -> None:
    hub: Hub[str] = Hub("e")
    events = follow(source(hub), queue=10, heartbeat=0.005, cut=nothing)
    await anext(events)
    assert [await anext(events) for _ in range(2)] == [HEARTBEAT, HEARTBEAT]
    hub.publish("1")
    assert b"data: 1" in await anext(events), "no change is lost to a heartbeat"
    await events.aclose()
    assert len(hub) == 0


async def test_a_slow_client_gets_what_is_queued_then_is_cut_with_a_clear_event() -> None:
    hub: Hub[str] = Hub("e")
    cuts: list[bool] = []
    events = follow(source(hub), queue=2, heartbeat=60, cut=lambda: cuts.append(True))
    await anext(events)
    for number in range(5):
        hub.publish(str(number))
    rest = event_frames(b"".join([text async for text in events]).decode())
    assert rest == [("letter", "0", "e.1"), ("letter", "1", "e.2"), ("slow_client", "{}", None)]
    assert cuts == [True]


async def test_what_does_not_concern_a_client_is_left_out() -> None:
    hub: Hub[str] = Hub("e")
    events = follow(source(hub, render=lambda text: text if text == "b" else None), queue=9, heartbeat=60, cut=nothing)
    await anext(events)
    for letter in "abc":
        hub.publish(letter)
    hub.close()
    assert [found[2] for found in event_frames(b"".join([text async for text in events]).decode())] == ["e.2", None]


async def test_no_change_falls_between_the_snapshot_and_the_queue() -> None:
    hub: Hub[str] = Hub("e")
    kept = [hub.publish("a")]
    missed = Source(hub, "letter", lambda: list(kept), str)
    events = follow(missed, queue=10, heartbeat=60, cut=nothing)
    first = await anext(events)
    kept.append(hub.publish("b"))
    hub.close()
    rest = b"".join([first] + [text async for text in events]).decode()
    assert [data for name, data, _ in event_frames(rest) if name == "letter"] == ["a", "b"]


def test_too_many_streams_are_refused_before_the_answer_begins() -> None:
    hub: Hub[str] = Hub("e", max_subscriptions=0)
    with pytest.raises(TooManyStreams):
        stream(source(hub), queue=1, heartbeat=timedelta(seconds=1), cut=nothing)


async def test_a_client_that_leaves_is_forgotten() -> None:
    hub: Hub[str] = Hub("e")
    events = follow(source(hub), queue=10, heartbeat=60, cut=nothing)
    await anext(events)
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert len(hub) == 0


def test_a_frame_is_one_event_on_the_wire() -> None:
    assert frame("reset", "{}") == b"event: reset\ndata: {}\n\n"
