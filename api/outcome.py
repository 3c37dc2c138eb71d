"""The answer to a command: the record that the ledger entry carries, or 202 while it is not carried out."""

from typing import TypeVar

from fastapi.responses import JSONResponse

from alerts.ledger import LedgerEntry
from alerts.record import Record
from api.commands import Pending

R = TypeVar("R", bound=Record)


class Accepted(JSONResponse):
    """202: the command is on the log; `/v1/commands/{id}` tells what becomes of it."""

    def __init__(self, pending: Pending) -> None:
        content = {"command_id": pending.command_id, "status": "pending"}
        super().__init__(content, 202, headers={"Location": f"/v1/commands/{pending.command_id}"})


def outcome(told: LedgerEntry | Pending, kind: type[R]) -> R | Accepted:
    """The record of the ledger entry, e.g. the appeal as it is now, or that it is pending."""
    return Accepted(told) if isinstance(told, Pending) else kind.model_validate(told.detail)
