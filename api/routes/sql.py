"""SQL for analysts and their tools, in ClickHouse's HTTP conventions; the limits are enforced by the store."""

from fastapi import APIRouter, Depends, Request, Response

from api.deps import Deps
from api.document import answers, body
from api.errors import BodyTooLarge, QueryRefused, StoreUnavailable
from api.guard import Caller, needs, tenants_of
from api.sql_http import clickhouse_answer, read_query

router = APIRouter(prefix="/v1", tags=["analytics"], dependencies=[Depends(needs("analyst"))])
_ANSWERS = answers("contoso\t12\n", QueryRefused, BodyTooLarge, StoreUnavailable, media="text/tab-separated-values")


@router.get("/sql", summary="Run a read-only query", response_class=Response, responses=_ANSWERS)
async def get_sql(request: Request, deps: Deps, caller: Caller) -> Response:
    """`?query=SELECT …`, with `param_<name>` for `{name:Type}`. The default format is TabSeparated; end the query with
    `FORMAT JSONEachRow` for another. Errors are told as ClickHouse tells them, with `X-ClickHouse-Exception-Code`.
    """
    return await _run(request, deps, caller)


@router.post(
    "/sql",
    summary="Run a read-only query",
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra=body("SELECT tenant, count() FROM filter_verdicts GROUP BY tenant", media="text/plain"),
)
async def post_sql(request: Request, deps: Deps, caller: Caller) -> Response:
    """The query is the body, so that ClickHouse clients can point at this path. The token may also be sent as Basic
    password or `X-ClickHouse-Key`, for tools that know nothing else. Only rows of the token's tenants are seen.
    """
    return await _run(request, deps, caller)


async def _run(request: Request, deps: Deps, caller: Caller) -> Response:
    asked = read_query(request, await request.body(), tenants_of(caller))
    return clickhouse_answer(await deps.analytics.run(asked))
