"""An incident's life as records, and receivers that only note what they get."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alert_facts import AT, acknowledge, loaded, new_file, resolve, series_signal
from stream_records import Raw

from alerts.incident import Incident
from alerts.incidents import apply_incident_command, apply_series_signal
from alerts.notify.delivery import Delivered, Delivery
from alerts.notify.notification import Notification
from streams.notify import NotifyLane

RECEIVER = {"name": "oncall", "url": "https://oncall.example", "secret_file": "secret"}
POLICY = loaded(receivers=[RECEIVER])


def life() -> tuple[Incident, ...]:
    """The revisions of one incident: opened, updated, acknowledged, resolved."""
    opened = apply_series_signal(new_file(), series_signal())
    updated = apply_series_signal(opened.file, series_signal(2))
    incident_id = opened.file.incidents[0].id
    owned = apply_incident_command(updated.file, acknowledge(incident_id), now=AT)
    ended = apply_incident_command(owned.file, resolve(incident_id), now=AT)
    return tuple(one.incident for one in (opened, updated, owned, ended) if one.incident)


OPENED, UPDATED, OWNED, ENDED = life()


def revisions(*incidents: Incident, start: int = 0) -> list[Raw]:
    stamp = int(AT.timestamp() * 1000)
    return [
        Raw(offset, stamp, one.id.encode(), one.model_dump_json().encode())
        for offset, one in enumerate(incidents, start)
    ]


def new(**fields: Any) -> NotifyLane:
    return NotifyLane(0, policy=loaded(**fields) if fields else POLICY)


@dataclass
class Notepad:
    """A receiver that notes what it gets and answers as told, last with success."""

    name: str = "oncall"
    answers: deque[Delivery | Exception] = field(default_factory=deque)
    got: list[Notification] = field(default_factory=list)

    async def deliver(self, notification: Notification, *, now: datetime) -> Delivery:
        self.got.append(notification)
        answer = self.answers.popleft() if self.answers else Delivered(200)
        if isinstance(answer, Exception):
            raise answer
        return answer
