"""What gateways ask: may this subject go on; one, many, or every change as it happens. All answers come from memory."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, ValidationError

from alerts.enforcement import Enforcement
from api import examples
from api.deps import Deps
from api.document import answers, body
from api.errors import BadCursor, BodyTooLarge, Invalid, OtherTenant, TooManyStreams, Unreadable
from api.guard import Caller, check_tenant, needs, tenants_of
from api.sse import Source, stream
from api.standing import IdKind, Lookup, StandingOut, Who
from events.event import Tenant

router = APIRouter(prefix="/v1", tags=["enforcement"], dependencies=[Depends(needs("gateway", "analyst", "reviewer"))])


class BatchIn(BaseModel):
    """Whom to look up."""

    subjects: list[Who] = Field(min_length=1, max_length=1000)


class BatchOut(BaseModel):
    """One answer per person, in the order asked."""

    items: list[StandingOut]


def _lookup(deps: Deps) -> Lookup:
    return Lookup(deps.views.enforcements, deps.pseudonymiser, deps.policy.fail_mode, deps.clock())


async def _now(deps: Deps) -> Lookup:
    return _lookup(deps)


Now = Annotated[Lookup, Depends(_now)]


@router.get(
    "/enforcement/stream",
    summary="Follow every change of standing",
    response_class=StreamingResponse,
    responses=answers(
        examples.events(("enforcement", examples.STANDING)),
        BadCursor,
        OtherTenant,
        TooManyStreams,
        media="text/event-stream",
    ),
)
async def follow(
    deps: Deps,
    caller: Caller,
    tenant: Annotated[Tenant | None, Query(description="Only this tenant.")] = None,
    start: Annotated[str, Query(alias="from", max_length=100, description="`start`, `now`, or an event id.")] = "start",
    last_event_id: Annotated[str | None, Header(max_length=100, description="Go on after this event.")] = None,
) -> StreamingResponse:
    """Server-sent events `enforcement`: first the latest state of every subject (or what changed after the event id),
    then `ready`, then each change. `reset` first means: forget what you knew, a snapshot follows. A client that reads
    too slowly gets `slow_client` and is cut; it goes on with `Last-Event-ID`.
    """
    source = _source(deps, tenants_of(caller, tenant), resume=last_event_id or start)
    settings = deps.settings
    return stream(source, queue=settings.stream_queue, heartbeat=settings.heartbeat, cut=deps.metrics.cut)


def _source(deps: Deps, tenants: frozenset[str] | None, *, resume: str) -> Source[Enforcement]:
    view = deps.views.enforcements
    after = {"start": 0, "now": view.hub.number}.get(resume)
    reset = after is None and (after := view.hub.resume_at(resume)) is None

    def render(enforcement: Enforcement) -> str | None:
        if tenants is not None and enforcement.tenant not in tenants:
            return None
        return _lookup(deps).told(enforcement).model_dump_json()

    return Source(view.hub, "enforcement", lambda: view.after(after or 0), render, "reset" if reset else None)


@router.get(
    "/enforcement/{tenant}/{subject:path}",
    summary="Look one subject up",
    responses=answers(examples.STANDING, OtherTenant),
)
async def get_standing(
    tenant: Annotated[Tenant, Path(description="The tenant.")],
    subject: Annotated[str, Path(max_length=512, description="A pseudonym, or a raw id: see `id_kind`.")],
    now: Now,
    caller: Caller,
    id_kind: Annotated[IdKind, Query(description="What kind of id the path holds.")] = "subject",
) -> StandingOut:
    """The standing of one subject, session or API key now. What is unknown is `allowed`. Prefer the batch for raw ids:
    URLs are logged by proxies, bodies are not.
    """
    check_tenant(caller, tenant)
    return now.one(_who(tenant, subject, id_kind))


def _who(tenant: str, named: str, kind: IdKind) -> Who:
    try:
        return Who.model_validate({"tenant": tenant, kind: named})
    except ValidationError as error:
        reason = "not_a_pseudonym" if kind == "subject" else "blank"
        raise Invalid(field="subject", detail={"reason": reason}) from error


@router.post(
    "/enforcement:batch",
    summary="Look many subjects up",
    responses=answers(examples.BATCH, OtherTenant, Unreadable, BodyTooLarge),
    openapi_extra=body(examples.BATCH_IN),
)
async def post_batch(asked: BatchIn, now: Now, caller: Caller) -> BatchOut:
    """Up to 1,000 subjects, users, sessions and API keys at once, answered in order. One foreign tenant refuses all."""
    for who in asked.subjects:
        check_tenant(caller, who.tenant)
    return BatchOut(items=now.many(asked.subjects))
