"""Whether the process lives, whether it is ready, and its metrics; nothing here names a tenant."""

import asyncio

from fastapi import APIRouter, Response
from pydantic import BaseModel

from api.deps import Check, Deps
from api.document import answers

router = APIRouter(tags=["operation"])
_CHECK_SECONDS = 2.0


class Health(BaseModel):
    """The process lives."""

    status: str = "ok"


class Readiness(BaseModel):
    """Which parts are ready; all must be for `ready`."""

    ready: bool
    checks: dict[str, bool]


@router.get(
    "/healthz",
    summary="Is the process alive",
    responses={200: {"content": {"application/json": {"example": {"status": "ok"}}}}},
)
async def healthz() -> Health:
    """Answers as long as the event loop turns. No token."""
    return Health()


_READY = {"ready": True, "checks": {"log": True, "store": True, "views": True}}


@router.get(
    "/readyz",
    summary="Is the process ready",
    responses={
        200: {"content": {"application/json": {"example": _READY}}},
        503: {
            "description": "Not ready.",
            "model": Readiness,
            "content": {"application/json": {"example": _READY | {"ready": False}}},
        },
    },
)
async def readyz(deps: Deps, response: Response) -> Readiness:
    """Asks every part: views caught up, log and store reachable. 503 until all are. No token."""
    answered = await asyncio.gather(*(_passes(check) for check in deps.checks.values()))
    checks = dict(zip(deps.checks, answered, strict=True))
    response.status_code = 200 if all(answered) else 503
    return Readiness(ready=all(answered), checks=checks)


async def _passes(check: Check) -> bool:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return await check()
    except Exception:  # a part that cannot even be asked is not ready, whatever it raised
        return False


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses=answers("watchfloor_api_requests_total 12.0", media="text/plain"),
)
async def metrics(deps: Deps) -> Response:
    """The API's metrics in Prometheus' text format. Any token, or none where the settings say so."""
    deps.metrics.sized("subjects", len(deps.views.enforcements))
    deps.metrics.sized("appeals", len(deps.views.appeals))
    deps.metrics.sized("incidents", len(deps.views.incidents))
    deps.metrics.sized("alerts", len(deps.feed))
    return Response(deps.metrics.text(), media_type="text/plain; version=0.0.4")
