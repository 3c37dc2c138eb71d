"""The API as a real server: over TCP, with streams that last, and an end that comes when it is told to."""

import asyncio
import json
import socket
from datetime import timedelta

import httpx
import pytest
from alert_facts import SUBJECT
from api_world import SECRETS, World, served

from api.serve import serve


async def test_it_answers_over_tcp_and_stops_when_told() -> None:
    async with served(World(port=0)) as client:
        answer = await client.get("/v1/status")
        assert answer.status_code == 200
        assert "server" not in answer.headers
        url = client.base_url
    with pytest.raises(httpx.ConnectError):
        await httpx.AsyncClient(base_url=url).get("/healthz")


async def test_a_stream_gets_changes_as_they_happen_and_a_closing_event_at_the_end() -> None:
    world = World(port=0)
    lines: list[str] = []
    ready, changed = asyncio.Event(), asyncio.Event()

    async def follow(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", "/v1/enforcement/stream", timeout=None) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.aiter_lines():
                lines.append(line)
                ready.set() if line == "event: ready" else None
                changed.set() if line == "event: enforcement" else None

    async with served(world) as client:
        following = asyncio.create_task(follow(client))
        async with asyncio.timeout(5):
            await ready.wait()
            world.suspend()
            await changed.wait()
    await following
    found = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith('data: {"tenant')]
    assert [one["subject"] for one in found] == [SUBJECT]
    assert "event: closing" in lines


async def test_a_client_that_stops_reading_is_dropped() -> None:
    world = World(port=0, stream_queue=50, request_timeout=timedelta(milliseconds=300))
    hub = world.deps.views.enforcements.hub
    async with served(world) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port, limit=1024)
        request = f"GET /v1/enforcement/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRETS['admin']}\r\n\r\n"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        writer.write(request.encode())
        await reader.readline()
        async with asyncio.timeout(10):
            number = 0
            while len(hub):
                for _ in range(200):
                    number += 1
                    world.suspend(f"k1.{_letters(number)}", number=number)
                await asyncio.sleep(0.01)
        writer.close()


def _letters(number: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number, 26)
        text += chr(97 + rest)
    return text.ljust(26, "a")


async def test_a_port_in_use_is_an_error_and_no_exit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        world = World(port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            await serve(world.deps, world.settings, asyncio.Event())
