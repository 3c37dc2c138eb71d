"""Sends what is due in the open notifier lanes; a shell that reads the clock and waits, and decides nothing."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Protocol

import structlog

from alerts.notify.delivery import Delivery, Retry
from alerts.notify.notification import Notification
from alerts.notify.receiver import Receiver
from streams.lane import Lane
from streams.notify import NotifyLane

log = structlog.get_logger()

_EVERY_SECONDS = 0.25


class OpenLanes(Protocol):
    """Whoever owns the worker's lanes."""

    def lanes(self) -> Iterable[Lane]:
        """The open ones, at this moment."""


async def deliver(
    open_lanes: OpenLanes, receivers: Mapping[str, Receiver], *, every_seconds: float = _EVERY_SECONDS
) -> None:
    """Run until cancelled. A result that arrives after its lane moved away is lost; the successor sends again."""
    sending: dict[str, asyncio.Task[None]] = {}
    async with asyncio.TaskGroup() as sends:
        while True:
            await asyncio.sleep(every_seconds)
            sending = {key: task for key, task in sending.items() if not task.done()}
            for lane, key, notification in _due(open_lanes):
                receiver = receivers.get(notification.receiver)
                if receiver and key not in sending:
                    sending[key] = sends.create_task(_send(lane, key, notification=notification, receiver=receiver))


def _due(open_lanes: OpenLanes) -> Iterator[tuple[NotifyLane, str, Notification]]:
    for lane in open_lanes.lanes():
        if isinstance(lane, NotifyLane):
            yield from ((lane, key, notification) for key, notification in lane.due(_now()))


async def _send(lane: NotifyLane, key: str, *, notification: Notification, receiver: Receiver) -> None:
    result = await _attempt(receiver, notification)
    lane.settle(key, notification, delivery=result, now=_now())
    log.info("notification", receiver=receiver.name, incident=notification.incident.id, outcome=type(result).__name__)


async def _attempt(receiver: Receiver, notification: Notification) -> Delivery:
    try:
        return await receiver.deliver(notification, now=_now())
    except Exception as failure:  # the receiver's boundary: one that breaks is waited for like one that is down
        log.error("receiver_broken", receiver=receiver.name, kind=type(failure).__name__)
        return Retry("receiver_broken")


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  the delivery shell: receivers live in wall-clock time
