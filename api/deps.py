"""What the API is made of, handed to `create_app`, and the aliases by which handlers ask for it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Request

from alerts.record import content_id
from api.alert_feed import AlertFeed
from api.commands import Commander
from api.metrics import Metrics
from api.ports import Analytics, EventSink, History
from api.settings import ApiSettings
from api.tokens import Token, TokenBook
from api.views import Views
from events.formats import Format
from events.pseudonym import Pseudonymiser
from policy.policy import Policy

Check = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class ApiDeps:
    """Every part of the API. Built by the process shell, or by a test with fakes.

    `checks` are asked by /readyz, e.g. `{"log": …, "store": …, "views": …}`; `clock` gives the present, aware, in UTC.
    """

    settings: ApiSettings
    policy: Policy
    tokens: TokenBook
    formats: Mapping[str, Format]
    pseudonymiser: Pseudonymiser
    sink: EventSink
    commander: Commander
    analytics: Analytics
    history: History
    views: Views
    feed: AlertFeed
    clock: Callable[[], datetime]
    checks: Mapping[str, Check] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=Metrics)

    def close_streams(self) -> None:
        """End every open stream with the event `closing`."""
        self.views.enforcements.hub.close()
        self.feed.hub.close()


async def _deps(request: Request) -> ApiDeps:  # async: FastAPI runs others in a thread, at twice the cost
    deps: ApiDeps = request.app.state.deps
    return deps


Deps = Annotated[ApiDeps, Depends(_deps)]


@dataclass(frozen=True, slots=True)
class Ask:
    """What every command of one request shares: when it was asked, and its id."""

    at: datetime
    key: str | None

    def command_id(self, caller: Token, *what: str) -> str:
        """`cmd_…`: with an `Idempotency-Key` a function of it and the token, else of what is asked and when."""
        if self.key is not None:
            return content_id("cmd", "key", caller.name, self.key)
        return content_id("cmd", "at", caller.name, self.at.isoformat(), *what)


async def _ask(
    deps: Deps,
    idempotency_key: Annotated[
        str | None,
        Header(min_length=8, max_length=200, description="Repeat a request with the same key to have it done once."),
    ] = None,
) -> Ask:
    return Ask(deps.clock(), idempotency_key)


Asked = Annotated[Ask, Depends(_ask)]
