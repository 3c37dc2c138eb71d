"""Sends what is due in the open notifier lanes; a shell that reads the clock and waits, and decides nothing."""

import asyncio
from datetime import UTC, datetime

import structlog

from alerts.notify.notification import Notification
from alerts.notify.receiver import Receiver
from streams.checkpoint import Checkpoint
from streams.notify import NotifyLane

log = structlog.get_logger()

_EVERY_SECONDS = 0.25


async def deliver(checkpoint: Checkpoint, receivers: dict[str, Receiver]) -> None:
    """Run until cancelled. A result that arrives after its lane moved away is lost; the successor sends again."""
    sending: dict[str, asyncio.Task[None]] = {}
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        sending = {key: task for key, task in sending.items() if not task.done()}
        for lane in checkpoint.lanes():
            if not isinstance(lane, NotifyLane):
                continue
            for key, notification in lane.due(_now()):
                receiver = receivers.get(notification.receiver)
                if receiver and key not in sending:
                    sending[key] = asyncio.create_task(_send(lane, key, notification=notification, receiver=receiver))


async def _send(lane: NotifyLane, key: str, *, notification: Notification, receiver: Receiver) -> None:
    result = await receiver.deliver(notification, now=_now())
    lane.settle(key, notification, delivery=result, now=_now())
    log.info("notification", receiver=receiver.name, incident=notification.incident.id, outcome=type(result).__name__)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  the delivery shell: receivers live in wall-clock time
