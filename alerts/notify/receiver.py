"""What every receiver of notifications does; the webhook is one, tests have another. It keeps no state."""

from datetime import datetime
from typing import Protocol

from alerts.notify.delivery import Delivery
from alerts.notify.notification import Notification


class Receiver(Protocol):
    """Called when a notification is due. It must not retry by itself and must not raise for what a receiver does."""

    @property
    def name(self) -> str:
        """The receiver's name in the policy and in the ledger."""
        ...

    async def deliver(self, notification: Notification, *, now: datetime) -> Delivery:
        """Send it once; `now` is when."""
        ...
