"""What a wire format is, and what it may know about the edge where an item arrives."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from events.errors import FormatError, first_problem
from events.event import Event
from events.pseudonym import Pseudonymiser

M = TypeVar("M", bound=BaseModel)

FUTURE_ALLOWED: Final = timedelta(minutes=5)
"""How far a sender's clock may be ahead of ours, unless the policy says otherwise."""


@dataclass(frozen=True, slots=True)
class EdgeContext:
    """Where and when an item arrived. `now` is aware; `tenant` is taken for items that name none."""

    pseudonymiser: Pseudonymiser
    now: datetime
    tenant: str | None = None
    future: timedelta = FUTURE_ALLOWED


class Format(Protocol):
    """One way to write events. Called once per item that came in, before anything is stored."""

    @property
    def name(self) -> str:
        """As in `POST /v1/ingest/{name}`."""
        ...

    def parse(self, item: object, context: EdgeContext) -> tuple[Event, ...]:
        """The events that one decoded JSON item tells of; the same item and context give the same events.

        Raises FormatError, and nothing else, for an item that does not follow the format. Copies no text of a
        prompt or a completion, and no raw identifier.
        """
        ...


def with_tenant(item: object, context: EdgeContext) -> dict[str, Any]:
    """The item as an object, with the tenant of the edge where it names none. Raises FormatError for anything else."""
    if not isinstance(item, dict):
        raise FormatError("", "not_an_object")
    if context.tenant is None:
        return item
    return {"tenant": context.tenant, **item}


def validated(model: type[M], fields: dict[str, Any]) -> M:
    """`fields` as a `model`. Raises FormatError with the first problem's place and kind."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise FormatError(*first_problem(error)) from None


def refuse_future(at: datetime, context: EdgeContext) -> None:
    """Raise FormatError for an event that a clock far ahead of ours claims to have seen."""
    if at - context.now > context.future:
        raise FormatError("at", "in_the_future")
