"""POST /v1/ingest: events come in; what a format means is not known here."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from api import body, examples
from api.deps import Deps
from api.document import answers
from api.errors import (
    BodyTooLarge,
    BrokerUnavailable,
    FutureTime,
    OtherTenant,
    TooManyItems,
    Unknown,
    Unreadable,
    UnsupportedEncoding,
)
from api.guard import Caller, needs
from api.ingest import Gate, IngestReport, ingest
from events.formats import EdgeContext

router = APIRouter(prefix="/v1", tags=["ingest"], dependencies=[Depends(needs("ingest"))])
_ERRORS = (
    Unreadable,
    OtherTenant,
    Unknown,
    BodyTooLarge,
    TooManyItems,
    UnsupportedEncoding,
    FutureTime,
    BrokerUnavailable,
)
_PARTLY = {
    "description": "Some items were rejected.",
    "model": IngestReport,
    "content": {"application/json": {"example": examples.INGEST}},
}
_ONE_OR_MANY = {"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]}
_LINES = '{"id": "req-0001", …}\n{"id": "req-0002", …}'
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"example": examples.ENVELOPE, "schema": _ONE_OR_MANY},
            "application/x-ndjson": {"example": _LINES, "schema": {"type": "string"}},
        },
    }
}


@router.post(
    "/ingest/{format}",
    status_code=202,
    summary="Send events",
    responses=answers(examples.ACCEPTED, *_ERRORS, status=202) | {207: _PARTLY},
    openapi_extra=_BODY,
    response_model_exclude_none=True,
)
async def post_events(
    name: Annotated[str, Path(alias="format", description="`canonical` or a provider's, e.g. `azure-openai-chat`.")],
    request: Request,
    response: Response,
    deps: Deps,
    caller: Caller,
) -> IngestReport:
    """One object, a list, or one object per line. An item is accepted whole or not at all, and only after the log has
    acknowledged its events. 202: all accepted; 207: some; 422: none. The same ids may be sent again.
    """
    if name not in deps.formats:
        raise Unknown(field="format", detail={"formats": sorted(deps.formats)})
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    limits = deps.settings
    raw = await request.body()
    items = body.split(raw, content_type=content_type, max_items=limits.max_items, max_depth=limits.max_depth)
    future = deps.policy.lateness.future
    context = EdgeContext(deps.pseudonymiser, now=deps.clock(), tenant=caller.only_tenant, future=future)
    gate = Gate(deps.formats[name], context, caller)
    report = await ingest(items, gate, deps.sink)
    deps.metrics.ingested(name, accepted=report.accepted, rejected=report.rejected)
    response.status_code = report.status
    return report
