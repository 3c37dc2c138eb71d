"""What became of a command that was answered with 202."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel

from alerts.ledger import LedgerEntry
from api import examples
from api.deps import Deps
from api.document import answers
from api.errors import OtherTenant
from api.guard import Caller, check_tenant, needs

router = APIRouter(prefix="/v1/commands", tags=["commands"])


class CommandOut(BaseModel):
    """`pending` also stands for ids that nobody has heard of, or that were forgotten."""

    command_id: str
    status: Literal["pending", "done", "refused"]
    entry: LedgerEntry | None = None


@router.get(
    "/{command_id}",
    summary="Ask what became of a command",
    dependencies=[Depends(needs("gateway", "analyst", "reviewer"))],
    responses=answers(examples.COMMAND, OtherTenant),
)
async def get_command(
    command_id: Annotated[str, Path(pattern=r"^cmd_[0-9a-z]{1,60}$", description="`cmd_…`")], deps: Deps, caller: Caller
) -> CommandOut:
    """The ledger entry that the command led to, once there is one."""
    entry = deps.commander.outcome(command_id)
    if entry is None:
        return CommandOut(command_id=command_id, status="pending")
    check_tenant(caller, entry.tenant)
    return CommandOut(command_id=command_id, status="refused" if entry.kind == "refused" else "done", entry=entry)
