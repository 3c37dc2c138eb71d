"""Opens every receiver that a policy names, on one HTTP client; it delivers nothing itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from alerts.notify.receiver import Receiver
from alerts.notify.webhook import Webhook
from policy.policy import Policy


@asynccontextmanager
async def open_receivers(policy: Policy) -> AsyncIterator[dict[str, Receiver]]:
    """The policy's receivers by name; their connections are closed at the end. Raises SecretRefused."""
    async with httpx.AsyncClient(follow_redirects=False) as client:
        yield {section.name: Webhook.of(section, client=client) for section in policy.receivers}
