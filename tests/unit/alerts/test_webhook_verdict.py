"""What a webhook makes of every kind of answer; no network."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from alert_facts import AT, loaded
from hypothesis import given
from hypothesis import strategies as st

from alerts.errors import SecretRefused
from alerts.notify.delivery import Delivered, Rejected, Retry
from alerts.notify.receivers import open_receivers
from alerts.notify.webhook import TIMEOUT, Webhook, retry_after, verdict
from policy.policy import Webhook as WebhookPolicy


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_is_delivery(status: int):
    assert verdict(httpx.Response(status), now=AT) == Delivered(status)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_temporary_trouble_is_tried_again(status: int):
    assert verdict(httpx.Response(status), now=AT) == Retry(f"http_{status}")


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410, 413, 422])
def test_everything_else_is_rejected(status: int):
    assert verdict(httpx.Response(status), now=AT) == Rejected(f"http_{status}")


def test_receiver_may_ask_for_time():
    response = httpx.Response(503, headers={"Retry-After": "120"})
    assert verdict(response, now=AT) == Retry("http_503", timedelta(minutes=2))


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("0", timedelta()),
        ("90", timedelta(seconds=90)),
        ("Sun, 01 Mar 2026 12:10:00 GMT", timedelta(minutes=10)),
        ("Sun, 01 Mar 2026 12:10:00 -0000", timedelta(minutes=10)),
        ("Sun, 01 Mar 2026 11:00:00 GMT", timedelta()),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("9" * 30, None),
    ],
)
def test_retry_after_is_read_in_both_spellings(header: str, wait: timedelta | None):
    assert retry_after(header, now=AT) == wait


@given(st.text(max_size=40))
def test_retry_after_never_raises(header: str):
    wait = retry_after(header, now=AT)
    assert wait is None or wait >= timedelta()


async def test_webhook_is_built_from_the_policy_and_shows_no_secret(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("top" * 20)
    secret.chmod(0o600)
    section = WebhookPolicy.model_validate(
        {"name": "oncall", "url": "https://oncall.example/hook", "secret_file": str(secret)}
    )
    async with httpx.AsyncClient() as client:
        webhook = Webhook.of(section, client=client)
    assert (webhook.name, webhook.url, webhook.timeout) == ("oncall", "https://oncall.example/hook", TIMEOUT)
    assert webhook.secret == b"top" * 20
    assert "top" not in repr(webhook)


async def test_every_receiver_of_a_policy_is_opened_by_name(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("x" * 32)
    secret.chmod(0o600)
    named = [
        {"name": name, "url": f"https://{name}.example", "secret_file": str(secret)} for name in ("chat", "oncall")
    ]
    async with open_receivers(loaded(receivers=named).policy) as receivers:
        assert {name: receiver.name for name, receiver in receivers.items()} == {"chat": "chat", "oncall": "oncall"}


async def test_a_receiver_without_its_secret_keeps_the_rest_from_opening(tmp_path: Path):
    named = [{"name": "chat", "url": "https://chat.example", "secret_file": str(tmp_path / "nothing")}]
    with pytest.raises(SecretRefused):
        async with open_receivers(loaded(receivers=named).policy):
            pass
