"""What the edge does before a handler runs: sizes, encodings, deadlines, headers, the unforeseen."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from api_world import SECRETS, World, envelope
from fastapi import Request

PATH = "/v1/ingest/azure-openai-chat"
GZIP = {"Content-Encoding": "gzip"}


async def chunks(raw: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(raw), size):
        yield raw[start : start + size]


async def test_a_body_above_the_limit_is_413_by_its_announced_length() -> None:
    world = World()
    answer = await world.post(PATH, "ingest", content=b" " * (10 * 1024 * 1024))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


async def test_an_announced_length_above_the_limit_is_refused_before_reading() -> None:
    answer = await World().post(PATH, "ingest", content=chunks(b"{}", 1), headers={"Content-Length": str(2**40)})
    assert answer.status_code == 413


async def test_a_body_in_chunks_is_counted_while_it_is_read() -> None:
    world = World(max_body_bytes=1024)
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 100
            yield b" " * 100

    answer = await world.post(PATH, "ingest", content=endless())
    assert answer.status_code == 413
    assert read <= 1024 + 200


async def test_a_body_in_chunks_below_the_limit_arrives_whole() -> None:
    world = World()
    assert (await world.post(PATH, "ingest", content=chunks(json.dumps(envelope()).encode(), 7))).status_code == 202


async def test_gzip_is_unpacked() -> None:
    world = World()
    raw = gzip.compress(json.dumps(envelope()).encode())
    assert (await world.post(PATH, "ingest", content=raw, headers=GZIP)).status_code == 202


async def test_a_gzip_bomb_is_413_and_never_unpacked() -> None:
    bomb = gzip.compress(b" " * (64 * 1024 * 1024))
    assert len(bomb) < 8 * 1024 * 1024
    answer = await World().post(PATH, "ingest", content=bomb, headers=GZIP)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        gzip.compress(b"{}")[:-4],
        gzip.compress(b"{}") + b"more",
        gzip.compress(b"{}") + gzip.compress(b"{}"),
        zlib.compress(b"{}"),
        b"",
    ],
)
async def test_what_is_not_one_whole_gzip_is_400(raw: bytes) -> None:
    assert (await World().post(PATH, "ingest", content=raw, headers=GZIP)).status_code == 400


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate", "zstd"])
async def test_other_encodings_are_415(encoding: str) -> None:
    answer = await World().post(PATH, "ingest", content=b"{}", headers={"Content-Encoding": encoding})
    assert answer.status_code == 415


async def test_a_body_is_not_read_for_an_unknown_token() -> None:
    read = False

    async def watched() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{}"

    assert (await World().post(PATH, None, content=watched())).status_code == 401
    assert not read


async def test_a_client_that_leaves_while_sending_stores_nothing() -> None:
    world = World()
    sent: list[Any] = []
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    await world.app(_scope("POST", PATH), receive, send)
    assert sent[0]["status"] == 400
    assert world.sink.events == []


def _scope(method: str, path: str) -> dict[str, Any]:
    headers = [(b"authorization", f"Bearer {SECRETS['admin']}".encode())]
    return {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": method,
        "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers, "scheme": "http",
        "server": ("watchfloor", 80), "client": ("127.0.0.1", 1), "root_path": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "unreadable"),
        (b'{"subjects": [', 400, "unreadable"),
        (b"[" * 100_000, 400, "unreadable"),
        (b"", 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b'{"subjects": []}', 422, "invalid"),
        (b'{"subjects": [{"tenant": "contoso"}]}', 422, "invalid"),
        (b'{"subjects": [{"tenant": "contoso", "user": "a", "subject": "b"}]}', 422, "invalid"),
        (b'{"subjects": [{"tenant": "contoso", "session": "jane-s", "api_key": "jane-k"}]}', 422, "invalid"),
        (b'{"subjects": [{"tenant": "contoso", "user": "a", "jane-x": 1}]}', 422, "invalid"),
        (b"\xff\xfe", 400, "unreadable"),
    ],
)
async def test_a_broken_body_of_any_route_is_refused_without_repeating_it(raw: bytes, status: int, code: str) -> None:
    answer = await World().post("/v1/enforcement:batch", content=raw, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "jane" not in answer.text


async def test_every_answer_carries_the_security_headers() -> None:
    world = World()
    for answer in (await world.get("/healthz", None), await world.get("/v1/status", None), await world.get("/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers


async def test_a_request_that_takes_too_long_is_504() -> None:
    world = World(request_timeout=timedelta(milliseconds=20))

    @world.app.get("/v1/slow")
    async def slow() -> None:
        await asyncio.sleep(60)

    answer = await world.get("/v1/slow")
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "too_slow")


async def test_a_body_that_does_not_end_is_504() -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    answer = await World(request_timeout=timedelta(milliseconds=20)).post(PATH, "ingest", content=stuck())
    assert answer.status_code == 504


async def test_the_unforeseen_is_500_without_its_text() -> None:
    world = World()

    @world.app.get("/v1/broken")
    async def broken(request: Request) -> None:
        raise RuntimeError("the password is 1234")

    answer = await world.get("/v1/broken")
    assert (answer.status_code, answer.json()) == (
        500,
        {"error": {"code": "internal", "message": "Something went wrong on our side."}},
    )
    assert 'status="500"' in (await world.get("/metrics")).text


async def test_metric_labels_are_routes_never_paths() -> None:
    world = World()
    await world.get("/v1/enforcement/contoso/jane?id_kind=user")
    await world.get("/jane")
    text = (await world.get("/metrics")).text
    assert "jane" not in text
    assert 'route="/v1/enforcement/{tenant}/{subject:path}"' in text
    assert 'route="unmatched"' in text
