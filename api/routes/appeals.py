"""Appeals over HTTP: opened for the subject by the application, claimed and decided by a human reviewer."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from alerts.appeal import Appeal, AppealState
from alerts.command import ClaimAppeal, DecideAppeal, OpenAppeal, Text
from api import examples
from api.deps import ApiDeps, Ask, Asked, Deps
from api.document import answers, body, commanded
from api.errors import BadCursor, OtherTenant, Unknown
from api.guard import Caller, check_tenant, needs, tenants_of
from api.outcome import Accepted, outcome
from api.page import Page, PageQuery
from api.standing import Who
from api.tokens import Token
from events.event import Tenant

router = APIRouter(prefix="/v1/appeals", tags=["appeals"])
AppealId = Annotated[str, Path(pattern=r"^app_[0-9a-z]{1,60}$", description="`app_…`")]
_READ = Depends(needs("gateway", "analyst", "reviewer"))


class AppealIn(Who):
    """A person's request to reverse one decision."""

    decision_id: Annotated[str, Field(pattern=r"^dec_[0-9a-z]{1,60}$")]
    statement: Text


class VerdictIn(BaseModel):
    """What the reviewer decides, and why."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["overturned", "upheld"]
    reason: Text


class AppealQuery(PageQuery):
    """Which appeals, and which page of them."""

    tenant: Tenant | None = Field(default=None, description="Only this tenant.")
    state: AppealState | None = Field(default=None, description="Only in this state.")
    decision_id: str | None = Field(default=None, max_length=80, description="Only against this decision.")


@router.post(
    "",
    status_code=201,
    summary="Open an appeal",
    dependencies=[Depends(needs("gateway"))],
    responses=commanded(examples.APPEAL, status=201),
    openapi_extra=body(examples.APPEAL_IN),
    response_model=Appeal,
)
async def open_appeal(asked: AppealIn, ask: Asked, deps: Deps, caller: Caller) -> Appeal | Accepted:
    """Opens the one appeal that a decision can have, in the affected person's name. 404 when the decision is not this
    person's, 409 when it was appealed or lifted before, 422 when the time to appeal is over.
    """
    check_tenant(caller, asked.tenant)
    command = OpenAppeal(
        **_common(ask, caller, "open", asked.decision_id) | {"actor": "subject", "tenant": asked.tenant},
        subject=_appellant(deps, asked),
        decision_id=asked.decision_id,
        statement=asked.statement,
    )
    return outcome(await deps.commander.submit(command), Appeal)


def _appellant(deps: ApiDeps, asked: AppealIn) -> str:
    pseudonyms = asked.pseudonyms(deps.pseudonymiser)
    decision = deps.views.decisions.get(asked.decision_id)
    return decision.subject if decision and decision.subject in pseudonyms else pseudonyms[0]


def _common(ask: Ask, caller: Token, *what: str) -> dict[str, Any]:
    return {"id": ask.command_id(caller, *what), "at": ask.at, "actor": caller.name}


@router.get(
    "",
    summary="List appeals, newest first",
    dependencies=[_READ],
    responses=answers(examples.page(examples.APPEAL), BadCursor, OtherTenant),
)
async def list_appeals(asked: Annotated[AppealQuery, Query()], deps: Deps, caller: Caller) -> Page[Appeal]:
    """Appeals of the tenants that the token covers, by the time they were opened."""
    tenants = tenants_of(caller, asked.tenant)

    def fits(appeal: Appeal) -> bool:
        return (
            (tenants is None or appeal.tenant in tenants)
            and asked.state in (None, appeal.state)
            and asked.decision_id in (None, appeal.decision_id)
        )

    return deps.views.appeals.page(fits, before=asked.before, limit=asked.limit)


def _find(appeal_id: AppealId, deps: Deps, caller: Caller) -> Appeal:
    appeal = deps.views.appeals.get(appeal_id)
    if appeal is None:
        raise Unknown(field="appeal_id")
    check_tenant(caller, appeal.tenant)
    return appeal


Found = Annotated[Appeal, Depends(_find)]


@router.get(
    "/{appeal_id}",
    summary="Show one appeal",
    dependencies=[_READ],
    responses=answers(examples.APPEAL, Unknown, OtherTenant),
)
async def get_appeal(appeal: Found) -> Appeal:
    """The appeal as it stands."""
    return appeal


@router.post(
    "/{appeal_id}:claim",
    summary="Take an appeal",
    dependencies=[Depends(needs("reviewer"))],
    responses=commanded(examples.CLAIMED),
    response_model=Appeal,
)
async def claim(appeal: Found, ask: Asked, deps: Deps, caller: Caller) -> Appeal | Accepted:
    """The reviewer is the token's name. Refused with 409 to whoever made the decision, or when it is not open."""
    common = _common(ask, caller, "claim", appeal.id)
    command = ClaimAppeal(**common, tenant=appeal.tenant, subject=appeal.subject, appeal_id=appeal.id)
    return outcome(await deps.commander.submit(command), Appeal)


@router.post(
    "/{appeal_id}:decide",
    summary="Decide an appeal",
    dependencies=[Depends(needs("reviewer"))],
    responses=commanded(examples.DECIDED),
    openapi_extra=body(examples.VERDICT_IN),
    response_model=Appeal,
)
async def decide(appeal: Found, asked: VerdictIn, ask: Asked, deps: Deps, caller: Caller) -> Appeal | Accepted:
    """`overturned` lifts exactly the decision appealed; `upheld` leaves it. Whoever claimed it decides it."""
    command = DecideAppeal(
        **_common(ask, caller, "decide", appeal.id),
        tenant=appeal.tenant,
        subject=appeal.subject,
        appeal_id=appeal.id,
        outcome=asked.outcome,
        reason=asked.reason,
    )
    return outcome(await deps.commander.submit(command), Appeal)
