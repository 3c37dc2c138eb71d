"""A receiver that POSTs signed JSON to an HTTP endpoint: one request per attempt, no redirects, no retries of its own."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self

import httpx

from alerts.notify.delivery import Delivered, Delivery, Rejected, Retry
from alerts.notify.notification import Notification
from alerts.notify.secret import read_secret
from alerts.notify.signature import HEADER, sign
from policy import policy

TIMEOUT = timedelta(seconds=10)
NOTIFICATION_HEADER = "Watchfloor-Notification"
_TRY_AGAIN = frozenset({408, 425, 429})


class Webhook:
    """Delivers to one endpoint through a client that the caller owns and closes.

    Any 2xx is delivery. 408, 425, 429, 5xx, no connection and no answer within `timeout` ask for another attempt,
    after `Retry-After` where that is given; everything else, redirects too, is rejected.
    """

    def __init__(self, name: str, url: str, *, secret: bytes, client: httpx.AsyncClient) -> None:
        self.name = name
        self._url, self._secret, self._client = url, secret, client
        self._timeout = TIMEOUT

    @classmethod
    def from_policy(cls, section: policy.Webhook, *, client: httpx.AsyncClient) -> Self:
        """The receiver that the policy describes. Raises SecretRefused."""
        secret = read_secret(Path(section.secret_file))
        return cls(section.name, str(section.url), secret=secret, client=client)
