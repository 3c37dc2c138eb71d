"""Webhooks against a real HTTP server on the loopback: the signature, retries, refusals, and servers that hang."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from alert_facts import AT, new_file, series_signal

from alerts.incidents import apply_series_signal
from alerts.notify import Delivered, Notification, NotifyState, Rejected, Retry, Webhook, due, settle, verify, watch
from alerts.notify.notification import Notification as Told
from policy.policy import Webhook as WebhookPolicy

SECRET = b"a shared secret of the receivers own"
DOCUMENTED = (Path(__file__).parents[2] / "docs/incidents.md").read_text().split("```sh\n")[1].split("```")[0]
NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


class Hook:
    """An HTTP/1.1 server that gives prepared answers and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.hang = asyncio.Event()
        self.url = ""

    def answer(self, status: int, *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} x", "Content-Length: 0", "Connection: close", *headers, "", ""]
        self.answers.append("\r\n".join(lines).encode())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[1:-1]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head)}
        self.requests.append((headers, await reader.readexactly(int(headers["content-length"]))))
        if self.answers:
            writer.write(self.answers.pop(0))
        else:
            writer.write(b"HTTP/1.1 200 x\r\nX-Slow: ")
            await self.hang.wait()
        writer.close()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    hook = Hook()
    server = await asyncio.start_server(hook.serve, "127.0.0.1", 0)
    hook.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    yield hook
    hook.hang.set()
    server.close()
    await server.wait_closed()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture
def webhook(hook: Hook, client: httpx.AsyncClient) -> Webhook:
    return Webhook("oncall", hook.url, secret=SECRET, client=client)


def watched() -> NotifyState:
    incident = apply_series_signal(new_file(), series_signal()).incident
    assert incident is not None
    section = WebhookPolicy.model_validate({"name": "oncall", "url": "http://x.example", "secret_file": "unused"})
    return watch(None, incident, receiver=section, now=AT)


def ready(state: NotifyState, now: datetime = NOW) -> Notification:
    notification = due(state, now=now)
    assert notification is not None
    return notification


async def test_receiver_can_check_the_signature_and_read_the_incident(hook: Hook, webhook: Webhook):
    hook.answer(204)
    notification = ready(watched())
    assert await webhook.deliver(notification, now=NOW) == Delivered(204)
    ((headers, body),) = hook.requests
    assert headers["content-type"] == "application/json"
    assert headers["watchfloor-notification"] == notification.id
    assert verify(body, headers["watchfloor-signature"], secret=SECRET, now=NOW + timedelta(seconds=30)) is None
    assert verify(body + b" ", headers["watchfloor-signature"], secret=SECRET, now=NOW) == "mismatch"
    assert Told.model_validate_json(body) == notification


async def test_failing_receiver_is_tried_again_with_the_same_notification(hook: Hook, webhook: Webhook):
    hook.answer(500)
    hook.answer(200)
    state = watched()
    first = ready(state)
    delivery = await webhook.deliver(first, now=NOW)
    assert delivery == Retry("http_500")
    state = settle(state, first, delivery=delivery, now=NOW).state
    assert due(state, now=NOW) is None
    later = NOW + timedelta(seconds=5)
    second = ready(state, later)
    assert await webhook.deliver(second, now=later) == Delivered(200)
    bodies = [body for _, body in hook.requests]
    assert bodies[0] == bodies[1]
    assert hook.requests[0][0]["watchfloor-signature"] != hook.requests[1][0]["watchfloor-signature"]


async def test_busy_receiver_is_left_alone_for_as_long_as_it_asks(hook: Hook, webhook: Webhook):
    hook.answer(429, "Retry-After: 77")
    assert await webhook.deliver(ready(watched()), now=NOW) == Retry("http_429", timedelta(seconds=77))


@pytest.mark.parametrize("status", [400, 401, 404, 410])
async def test_refusal_is_final(hook: Hook, webhook: Webhook, status: int):
    hook.answer(status)
    assert await webhook.deliver(ready(watched()), now=NOW) == Rejected(f"http_{status}")


async def test_redirects_are_not_followed(hook: Hook, webhook: Webhook):
    hook.answer(302, f"Location: {hook.url}/elsewhere")
    assert await webhook.deliver(ready(watched()), now=NOW) == Rejected("http_302")
    assert len(hook.requests) == 1


async def test_receiver_that_hangs_in_the_middle_of_its_answer_times_out(hook: Hook, client: httpx.AsyncClient):
    slow = Webhook("oncall", hook.url, secret=SECRET, client=client, timeout=timedelta(milliseconds=100))
    assert await slow.deliver(ready(watched()), now=NOW) == Retry("timeout")


async def test_no_server_is_no_crash(client: httpx.AsyncClient):
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    gone = Webhook("oncall", f"http://127.0.0.1:{port}/", secret=SECRET, client=client)
    assert await gone.deliver(ready(watched()), now=NOW) == Retry("unreachable")


async def test_server_that_speaks_no_http_is_tried_again(hook: Hook, webhook: Webhook):
    hook.answers.append(b"220 mail.example ESMTP\r\n")
    assert await webhook.deliver(ready(watched()), now=NOW) == Retry("unreachable")


async def test_documented_shell_check_accepts_what_was_sent(hook: Hook, webhook: Webhook, tmp_path: Path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl")
    hook.answer(200)
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET + b"\n")
    just_now = datetime.fromtimestamp(secret.stat().st_mtime, UTC)
    await webhook.deliver(ready(watched()), now=just_now)
    ((headers, body),) = hook.requests
    script = DOCUMENTED.replace("/run/secrets/oncall", str(secret))
    for sent, told in ((body, "genuine\n"), (body + b" ", "")):
        (tmp_path / "body.json").write_bytes(sent)
        shell = await asyncio.create_subprocess_exec(
            "sh",
            "-c",
            script,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HEADER": headers["watchfloor-signature"]},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await shell.communicate()
        assert output.decode() == told
