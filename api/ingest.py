"""Turns the items of a request into published events and a report per item; it knows no HTTP and no format."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from api.body import Body
from api.errors import ApiError, FutureTime, Invalid, NoItemAccepted, OtherTenant
from api.ports import EventSink
from api.problem import Problem, problem_of
from api.tokens import Token
from events import Event
from events.errors import FormatError
from events.formats import EdgeContext, Format

_BREATH = 100
"""Items judged before other requests get their turn."""


class ItemReport(BaseModel):
    """What became of one item; an item is accepted whole or not at all."""

    index: int
    status: Literal["accepted", "rejected"]
    error: Problem | None = None


class IngestReport(BaseModel):
    """What became of a request's items."""

    accepted: int
    rejected: int
    items: list[ItemReport]
    error: Problem | None = None

    @property
    def status(self) -> int:
        """202 all accepted, 207 some, 422 none."""
        if not self.accepted:
            return 422
        return 207 if self.rejected else 202


@dataclass(frozen=True, slots=True)
class Gate:
    """What an item must pass: its format at this edge, and the caller's tenants."""

    format: Format
    context: EdgeContext
    caller: Token

    def judge(self, item: Any | ApiError) -> Sequence[Event] | ApiError:
        """The item's events, or why it is refused."""
        if isinstance(item, ApiError):
            return item
        try:
            events = self.format.parse(item, self.context)
        except FormatError as error:
            kind = FutureTime if error.reason == "in_the_future" else Invalid
            return kind(field=error.path or None, detail={"reason": error.reason})
        if not events:
            return Invalid(detail={"reason": "no_event"})
        if not all(map(self.caller.sees, {event.tenant for event in events})):
            return OtherTenant(field="tenant")
        return events


async def ingest(body: Body, gate: Gate, sink: EventSink) -> IngestReport:
    """Judge every item, then publish what was accepted and wait until it is acknowledged.

    Raises the item's own error when the body was one object, BrokerUnavailable when the log does not acknowledge.
    """
    judged: list[Sequence[Event] | ApiError] = []
    for index, item in enumerate(body.items):
        judged.append(gate.judge(item))
        if index % _BREATH == _BREATH - 1:
            await asyncio.sleep(0)
    if body.single and isinstance(judged[0], ApiError):
        raise judged[0]
    events = [event for found in judged if not isinstance(found, ApiError) for event in found]
    if events:
        await sink.publish(events)
    return _report(judged)


def _report(judged: Sequence[Sequence[Event] | ApiError]) -> IngestReport:
    items = [
        ItemReport(index=index, status="rejected", error=problem_of(found))
        if isinstance(found, ApiError)
        else ItemReport(index=index, status="accepted")
        for index, found in enumerate(judged)
    ]
    rejected = sum(item.status == "rejected" for item in items)
    none = rejected == len(items)
    return IngestReport(
        accepted=len(items) - rejected,
        rejected=rejected,
        items=items,
        error=problem_of(NoItemAccepted()) if none else None,
    )
