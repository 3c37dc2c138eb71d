"""Wires the HTTP application in one straight line; it opens no connection and starts nothing."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.deps import ApiDeps
from api.edge import Edge
from api.errors import ApiError, Invalid, NotAllowed, Unknown, Unreadable
from api.guard import SQL_PATH, Authentication
from api.limits import BodyLimit
from api.problem import response_to
from api.routes import ROUTERS
from api.sql_http import clickhouse_error
from events.errors import path_of

_OPEN = frozenset({"/healthz", "/readyz"})
_OF_STATUS: dict[int, type[ApiError]] = {400: Unreadable, 404: Unknown, 405: NotAllowed}


def create_app(deps: ApiDeps) -> FastAPI:
    """The application. Denies by default: every path but health wants a token, whether a route exists or not."""
    app = FastAPI(
        title="Watchfloor",
        version="1",
        summary="Abuse monitoring for applications built on language models",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.deps = deps
    # Not include_router: that would analyse every route anew for each application.
    app.router.routes.extend(route for router in ROUTERS for route in router.routes)
    app.add_exception_handler(ApiError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_fields)
    app.add_exception_handler(HTTPException, _refuse_route)
    settings = deps.settings
    open_paths = _OPEN | {"/metrics"} if settings.open_metrics else _OPEN
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    app.add_middleware(Authentication, tokens=deps.tokens, open_paths=open_paths)
    app.add_middleware(Edge, deadline=settings.request_timeout, metrics=deps.metrics)
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    known = error if isinstance(error, ApiError) else ApiError()
    return clickhouse_error(known) if request.url.path.rstrip("/") == SQL_PATH else response_to(known)


async def _refuse_fields(_: Request, error: Exception) -> JSONResponse:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    found = [{"field": _place(one), "reason": one["type"]} for one in problems]
    if any(one["reason"] == "json_invalid" for one in found):
        return response_to(Unreadable(detail={"reason": "not_json"}))
    return response_to(Invalid(field=found[0]["field"] if found else None, detail={"problems": found[:20]}))


def _place(problem: dict[str, Any]) -> str:
    place = tuple(problem["loc"][1:])
    # The name of a field that we do not know is input, and input is not repeated.
    return path_of(place[:-1] if problem["type"] == "extra_forbidden" else place)


async def _refuse_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return await _refuse(request, _OF_STATUS.get(status, ApiError)())
