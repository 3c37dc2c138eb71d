"""The counts that a terminal or a dashboard shows at a glance, from memory."""

from collections import Counter

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from api import examples
from api.deps import Deps
from api.document import answers
from api.guard import Caller, needs
from events.event import Instant

router = APIRouter(prefix="/v1", tags=["operation"], dependencies=[Depends(needs("analyst", "reviewer"))])


class StatusOut(BaseModel):
    """Counts of the tenants that the token covers, of what is in memory."""

    ingested: int
    subjects: dict[str, int]
    appeals: dict[str, int]
    incidents: dict[str, int]
    alerts: dict[str, int]
    streams: int
    as_of: Instant


@router.get("/status", summary="Count what is going on", responses=answers(examples.STATUS))
async def get_status(deps: Deps, caller: Caller) -> StatusOut:
    """Subjects by standing, appeals and incidents by state, alerts by kind; `ingested` counts since the start."""
    views, now = deps.views, deps.clock()
    return StatusOut(
        ingested=deps.metrics.accepted,
        subjects=Counter(one.standing(now) for one in views.enforcements if caller.sees(one.tenant)),
        appeals=Counter(one.state for one in views.appeals if caller.sees(one.tenant)),
        incidents=Counter(one.state for one in views.incidents if caller.sees(one.tenant)),
        alerts=Counter(one.kind for one in deps.feed if caller.sees(one.tenant)),
        streams=len(views.enforcements.hub) + len(deps.feed.hub),
        as_of=now,
    )
