"""The alert feed over HTTP: pages and a stream."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from api import examples
from api.alert_feed import Alert, AlertFilter, AlertKind
from api.deps import Deps
from api.document import answers
from api.errors import BadCursor, OtherTenant, StoreUnavailable, TooManyStreams
from api.guard import Caller, needs, tenants_of
from api.page import Page, PageQuery, Place
from api.sse import Source, stream
from api.tokens import Token
from events.event import Instant, Label, Tenant

router = APIRouter(prefix="/v1", tags=["alerts"], dependencies=[Depends(needs("analyst", "reviewer"))])


class AlertQuery(PageQuery):
    """Which alerts, and which page of them."""

    tenant: Tenant | None = Field(default=None, description="Only this tenant.")
    kind: AlertKind | None = Field(default=None, description="Only this kind.")
    detector: Label | None = Field(default=None, description="Only this detector.")
    level: Label | None = Field(default=None, description="Only this level, or measure of a decision.")
    since: Instant | None = Field(default=None, description="Only from this time on.")

    def filter(self, caller: Token) -> AlertFilter:
        """What is wanted and allowed. Raises OtherTenant."""
        names = ("kind", "detector", "level", "since")
        return AlertFilter(tenants=tenants_of(caller, self.tenant), **{name: getattr(self, name) for name in names})


@router.get(
    "/alerts",
    summary="List alerts, newest first",
    responses=answers(examples.page(examples.ALERT), BadCursor, OtherTenant, StoreUnavailable),
    response_model_exclude_none=True,
)
async def get_alerts(asked: Annotated[AlertQuery, Query()], deps: Deps, caller: Caller) -> Page[Alert]:
    """Signals, decisions, held decisions, lifts, appeal steps and incident steps. The last ones come from memory, older
    pages from ClickHouse, under the same cursor.
    """
    wanted, before, limit = asked.filter(caller), asked.before, asked.limit
    items = deps.feed.newest(wanted, before=before, limit=limit)
    if len(items) < limit:
        stored = await deps.history.alerts(wanted, before=before or _after_everything(deps), limit=limit)
        items = _merged(items, stored)[:limit]
    return Page(items=items, next=items[-1].place.cursor if len(items) == limit else None)


def _after_everything(deps: Deps) -> Place:
    return Place(deps.clock() + timedelta(days=1), "")


def _merged(in_memory: Sequence[Alert], stored: Sequence[Alert]) -> list[Alert]:
    by_id = {alert.id: alert for alert in (*stored, *in_memory)}
    return sorted(by_id.values(), key=lambda alert: alert.place, reverse=True)


@router.get(
    "/alerts/stream",
    summary="Follow alerts",
    response_class=StreamingResponse,
    responses=answers(
        examples.events(("alert", examples.ALERT)), BadCursor, OtherTenant, TooManyStreams, media="text/event-stream"
    ),
)
async def follow(
    asked: Annotated[AlertQuery, Query()],
    deps: Deps,
    caller: Caller,
    last_event_id: Annotated[str | None, Header(max_length=100, description="Go on after this event.")] = None,
) -> StreamingResponse:
    """Server-sent events `alert`, from now on or from `Last-Event-ID`. `reset` first means that alerts may have been
    missed: read the pages of /v1/alerts. A slow client gets `slow_client` and is cut.
    """
    source = _source(deps, asked.filter(caller), last_event_id)
    settings = deps.settings
    return stream(source, queue=settings.stream_queue, heartbeat=settings.heartbeat, cut=deps.metrics.cut)


def _source(deps: Deps, wanted: AlertFilter, last_event_id: str | None) -> Source[Alert]:
    feed = deps.feed
    after = feed.hub.resume_at(last_event_id) if last_event_id else feed.hub.number
    reset = after is None or not feed.reaches(after)

    def render(alert: Alert) -> str | None:
        return alert.model_dump_json(exclude_none=True) if wanted.fits(alert) else None

    start = feed.hub.number if after is None else after
    return Source(feed.hub, "alert", lambda: feed.after(start), render, "reset" if reset else None)
