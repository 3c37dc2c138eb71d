"""How a route is documented: the example of its answer and the refusals it may give; it changes no behaviour."""

from typing import Any

from api.errors import (
    ApiError,
    BodyTooLarge,
    BrokerUnavailable,
    Conflict,
    Invalid,
    OtherTenant,
    Refused,
    TooSlow,
    Unauthenticated,
    Unknown,
    Unreadable,
    WrongScope,
)
from api.examples import PENDING
from api.problem import refusals

Responses = dict[int | str, dict[str, Any]]

ALWAYS: tuple[type[ApiError], ...] = (Unauthenticated, WrongScope, Invalid, TooSlow)
_COMMANDED: tuple[type[ApiError], ...] = (
    OtherTenant, Unreadable, BodyTooLarge, Unknown, Conflict, Refused, BrokerUnavailable,
)  # fmt: skip


def answers(example: Any, *errors: type[ApiError], status: int = 200, media: str = "application/json") -> Responses:
    """The `responses=` of a guarded route: its answer with an example, and its refusals."""
    answer = {"description": "The answer.", "content": {media: {"example": example}}}
    return {status: answer, **refusals(*ALWAYS, *errors)}


def commanded(example: Any, *, status: int = 200) -> Responses:
    """The `responses=` of a route that sends a command: it may also still be pending."""
    pending = {
        "description": "Not carried out yet; ask for the command.",
        "content": {"application/json": {"example": PENDING}},
    }
    return answers(example, *_COMMANDED, status=status) | {202: pending}


def body(example: Any, *, media: str = "application/json") -> dict[str, Any]:
    """The `openapi_extra=` that gives a request body its example."""
    return {"requestBody": {"content": {media: {"example": example}}}}
