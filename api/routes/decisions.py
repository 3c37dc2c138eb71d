"""One decision with everything that it stands on, and its lifting by a human."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict

from alerts.appeal import Appeal, AppealState
from alerts.command import LiftDecision, Text
from alerts.decision import Decision, Lift
from alerts.explain import explain_decision
from api import examples
from api.deps import ApiDeps, Asked, Deps
from api.document import answers, body, commanded
from api.errors import OtherTenant, StoreUnavailable, Unknown
from api.guard import Caller, check_tenant, needs
from api.outcome import Accepted, outcome

router = APIRouter(prefix="/v1/decisions", tags=["decisions"])
DecisionId = Annotated[str, Path(pattern=r"^dec_[0-9a-z]{1,60}$", description="`dec_…`")]


class LiftIn(BaseModel):
    """Why the decision is undone."""

    model_config = ConfigDict(extra="forbid")

    reason: Text


class AppealRef(BaseModel):
    """The appeal against a decision."""

    id: str
    state: AppealState


class DecisionOut(BaseModel):
    """A decision, what has become of it, and the same in plain words."""

    decision: Decision
    status: Literal["in_force", "expired", "lifted", "appealed"]
    plain_words: str
    appeal: AppealRef | None = None
    lift: Lift | None = None


@router.get(
    "/{decision_id}",
    summary="Show one decision",
    dependencies=[Depends(needs("gateway", "analyst", "reviewer"))],
    responses=answers(examples.DECISION, Unknown, OtherTenant, StoreUnavailable),
)
async def get_decision(decision_id: DecisionId, deps: Deps, caller: Caller) -> DecisionOut:
    """The decision with its evidence, policy version, statistic and four numbers, and its status: `lifted`, `expired`,
    `appealed` (in force, and an appeal waits) or `in_force`.
    """
    decision = await _find(deps, decision_id)
    check_tenant(caller, decision.tenant)
    appeal, lift = deps.views.appeal_against(decision.id), deps.views.decisions.lift_of(decision.id)
    return DecisionOut(
        decision=decision,
        status=_status(deps, decision, appeal),
        plain_words=explain_decision(decision),
        appeal=AppealRef(id=appeal.id, state=appeal.state) if appeal else None,
        lift=lift,
    )


async def _find(deps: ApiDeps, decision_id: str) -> Decision:
    decision = deps.views.decisions.get(decision_id) or await deps.history.decision(decision_id)
    if decision is None:
        raise Unknown(field="decision_id")
    return decision


def _status(
    deps: ApiDeps, decision: Decision, appeal: Appeal | None
) -> Literal["in_force", "expired", "lifted", "appealed"]:
    if deps.views.decisions.lift_of(decision.id):
        return "lifted"
    if decision.until is not None and decision.until <= deps.clock():
        return "expired"
    if _gone(deps, decision):
        return "lifted"
    return "appealed" if appeal and appeal.undecided else "in_force"


def _gone(deps: ApiDeps, decision: Decision) -> bool:
    """Whether a later enforcement lacks the decision: its lift may be older than what is kept of the ledger."""
    enforcement = deps.views.enforcements.get(decision.tenant, decision.subject)
    if enforcement is None or enforcement.at <= decision.at:
        return False
    return all(measure.decision_id != decision.id for measure in enforcement.measures)


@router.post(
    "/{decision_id}:lift",
    summary="Undo one decision",
    dependencies=[Depends(needs("reviewer"))],
    responses=commanded(examples.LIFT),
    openapi_extra=body(examples.LIFT_IN),
    response_model=Lift,
)
async def lift(decision_id: DecisionId, asked: LiftIn, ask: Asked, deps: Deps, caller: Caller) -> Lift | Accepted:
    """Undoes exactly this decision, without an appeal. The actor is the token's name."""
    decision = await _find(deps, decision_id)
    check_tenant(caller, decision.tenant)
    command = LiftDecision(
        id=ask.command_id(caller, "lift", decision_id),
        tenant=decision.tenant,
        at=ask.at,
        actor=caller.name,
        subject=decision.subject,
        decision_id=decision_id,
        reason=asked.reason,
    )
    return outcome(await deps.commander.submit(command), Lift)
