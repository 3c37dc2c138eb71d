"""The named queries: what an analyst needs on day one, without writing SQL."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel

from api import examples
from api.deps import Deps
from api.document import answers
from api.errors import OtherTenant, QueryRefused, StoreUnavailable, Unknown
from api.guard import Caller, needs, tenants_of

router = APIRouter(prefix="/v1/queries", tags=["analytics"], dependencies=[Depends(needs("analyst"))])


class QueryOut(BaseModel):
    """A named query."""

    name: str
    question: str
    parameters: dict[str, str]


class QueryList(BaseModel):
    """Every named query."""

    items: list[QueryOut]


class RowsOut(BaseModel):
    """The answer of a named query."""

    name: str
    rows: list[dict[str, Any]]


@router.get("", summary="List the named queries", responses=answers({"items": [examples.QUERY]}))
async def list_queries(deps: Deps) -> QueryList:
    """Each with the question it answers and its parameters."""
    known = deps.analytics.catalogue()
    return QueryList(
        items=[QueryOut(name=one.name, question=one.question, parameters=dict(one.parameters)) for one in known]
    )


@router.get(
    "/{name}",
    summary="Run a named query",
    responses=answers(examples.ROWS, Unknown, OtherTenant, QueryRefused, StoreUnavailable),
)
async def run_query(
    name: Annotated[str, Path(pattern=r"^[a-z0-9_-]{1,64}$", description="From the list.")],
    request: Request,
    deps: Deps,
    caller: Caller,
) -> RowsOut:
    """Parameters are query parameters of the URL. Only rows of the token's tenants are seen; `tenant` narrows them."""
    parameters = dict(request.query_params)
    rows = await deps.analytics.query(name, parameters, tenants_of(caller, parameters.get("tenant") or None))
    return RowsOut(name=name, rows=[dict(row) for row in rows])
