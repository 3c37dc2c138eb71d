"""Incidents over HTTP: list, show, acknowledge, resolve."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from alerts.command import AcknowledgeIncident, ResolveIncident, Text
from alerts.incident import Incident, IncidentState
from api import examples
from api.deps import Asked, Deps
from api.document import answers, body, commanded
from api.errors import BadCursor, OtherTenant, Unknown
from api.guard import Caller, check_tenant, needs, tenants_of
from api.outcome import Accepted, outcome
from api.page import Page, PageQuery
from events.event import Label, Tenant

router = APIRouter(prefix="/v1/incidents", tags=["incidents"], dependencies=[Depends(needs("analyst"))])


class NoteIn(BaseModel):
    """What it was."""

    model_config = ConfigDict(extra="forbid")

    note: Text


class IncidentQuery(PageQuery):
    """Which incidents, and which page of them."""

    tenant: Tenant | None = Field(default=None, description="Only this tenant.")
    state: IncidentState | None = Field(default=None, description="Only in this state.")
    detector: Label | None = Field(default=None, description="Only of this detector.")


@router.get(
    "",
    summary="List incidents, newest first",
    responses=answers(examples.page(examples.INCIDENT), BadCursor, OtherTenant),
)
async def list_incidents(asked: Annotated[IncidentQuery, Query()], deps: Deps, caller: Caller) -> Page[Incident]:
    """Incidents of the tenants that the token covers, by the time they were opened."""
    tenants = tenants_of(caller, asked.tenant)

    def fits(incident: Incident) -> bool:
        return (
            (tenants is None or incident.tenant in tenants)
            and asked.state in (None, incident.state)
            and asked.detector in (None, incident.detector)
        )

    return deps.views.incidents.page(fits, before=asked.before, limit=asked.limit)


def _find(
    incident_id: Annotated[str, Path(pattern=r"^inc_[0-9a-z]{1,60}$", description="`inc_…`")],
    deps: Deps,
    caller: Caller,
) -> Incident:
    incident = deps.views.incidents.get(incident_id)
    if incident is None:
        raise Unknown(field="incident_id")
    check_tenant(caller, incident.tenant)
    return incident


Found = Annotated[Incident, Depends(_find)]


@router.get("/{incident_id}", summary="Show one incident", responses=answers(examples.INCIDENT, Unknown, OtherTenant))
async def get_incident(incident: Found) -> Incident:
    """The incident with its timeline."""
    return incident


@router.post(
    "/{incident_id}:acknowledge",
    summary="Take an incident",
    responses=commanded(examples.ACKNOWLEDGED),
    response_model=Incident,
)
async def acknowledge(incident: Found, ask: Asked, deps: Deps, caller: Caller) -> Incident | Accepted:
    """Somebody works on it: the token's name becomes the owner. 409 when somebody has it already."""
    command = AcknowledgeIncident(
        id=ask.command_id(caller, "acknowledge", incident.id),
        tenant=incident.tenant,
        at=ask.at,
        actor=caller.name,
        incident_id=incident.id,
        series=incident.series,
    )
    return outcome(await deps.commander.submit(command), Incident)


@router.post(
    "/{incident_id}:resolve",
    summary="Resolve an incident",
    responses=commanded(examples.RESOLVED),
    openapi_extra=body(examples.NOTE_IN),
    response_model=Incident,
)
async def resolve(incident: Found, asked: NoteIn, ask: Asked, deps: Deps, caller: Caller) -> Incident | Accepted:
    """It is over, or explained. A new signal of the series opens a new incident."""
    command = ResolveIncident(
        id=ask.command_id(caller, "resolve", incident.id),
        tenant=incident.tenant,
        at=ask.at,
        actor=caller.name,
        incident_id=incident.id,
        series=incident.series,
        note=asked.note,
    )
    return outcome(await deps.commander.submit(command), Incident)
