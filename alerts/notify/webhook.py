"""A receiver that POSTs signed JSON to an HTTP endpoint: one request per attempt, no redirects, no retries."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self

import httpx

from alerts.notify.delivery import Delivered, Delivery, Rejected, Retry
from alerts.notify.notification import Notification
from alerts.notify.secret import read_secret
from alerts.notify.signature import HEADER, sign
from policy.policy import Webhook as WebhookPolicy

TIMEOUT = timedelta(seconds=10)
NOTIFICATION_HEADER = "Watchfloor-Notification"
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)
_TRY_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Webhook:
    """Delivers to one endpoint through a client that the caller owns and closes.

    Any 2xx is delivery. 408, 425, 429, 5xx, no connection and no answer within `timeout` ask for another attempt,
    after `Retry-After` where that is given; everything else, redirects too, is rejected.
    """

    name: str
    url: str
    secret: bytes = field(repr=False)
    client: httpx.AsyncClient = field(repr=False)
    timeout: timedelta = TIMEOUT

    @classmethod
    def of(cls, section: WebhookPolicy, *, client: httpx.AsyncClient) -> Self:
        """The receiver that the policy describes. Raises SecretRefused."""
        return cls(section.name, str(section.url), secret=read_secret(Path(section.secret_file)), client=client)

    async def deliver(self, notification: Notification, *, now: datetime) -> Delivery:
        """POST it once, signed at `now`; the answer's body is not read."""
        body = notification.model_dump_json().encode()
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                return verdict(await self._post(body, notification.id, now=now), now=now)
        except (TimeoutError, httpx.TimeoutException):
            return Retry("timeout")
        except httpx.TransportError:
            return Retry("unreachable")

    async def _post(self, body: bytes, notification_id: str, *, now: datetime) -> httpx.Response:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "watchfloor",
            NOTIFICATION_HEADER: notification_id,
            HEADER: sign(body, self.secret, at=now),
        }
        request = self.client.stream("POST", self.url, content=body, headers=headers, follow_redirects=False)
        async with request as response:
            return response


def verdict(response: httpx.Response, *, now: datetime) -> Delivery:
    """What an answer means."""
    status = response.status_code
    if response.is_success:
        return Delivered(status)
    if status in _TRY_AGAIN or response.is_server_error:
        return Retry(f"http_{status}", retry_after(response.headers.get("Retry-After", ""), now=now))
    return Rejected(f"http_{status}")


def retry_after(header: str, *, now: datetime) -> timedelta | None:
    """How long a `Retry-After` asks to wait, given in seconds or as an HTTP date; None where it says neither."""
    if _SECONDS.fullmatch(header):
        return timedelta(seconds=int(header))
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(at.replace(tzinfo=at.tzinfo or UTC) - now, timedelta())
