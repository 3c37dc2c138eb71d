"""What the API needs from the log and the store, as Protocols of its own; implementations and fakes live elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from alerts.command import Command
from alerts.decision import Decision
from api.alert_feed import Alert, AlertFilter
from api.page import Place
from events import Event


class EventSink(Protocol):
    """Where accepted events go."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Return when every event is acknowledged. Raises BrokerUnavailable; then some may be in the log already."""


class CommandSink(Protocol):
    """Where commands go."""

    async def submit(self, command: Command) -> None:
        """Return when the command is acknowledged. Raises BrokerUnavailable."""


@dataclass(frozen=True, slots=True)
class SqlRequest:
    """A query as a client sent it. `tenants` is None when every tenant's rows may be seen."""

    sql: str
    tenants: frozenset[str] | None
    parameters: Mapping[str, str]
    format: str | None = None


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """A result in the format asked for, with the `X-ClickHouse-…` headers that clients read."""

    body: bytes
    content_type: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query that Watchfloor ships: what it answers, and the parameters it takes with their types."""

    name: str
    question: str
    parameters: Mapping[str, str]


class Analytics(Protocol):
    """Read-only questions to the store."""

    async def run(self, request: SqlRequest) -> SqlAnswer:
        """Run SQL under the row and time limits. Raises QueryRefused or StoreUnavailable."""

    async def query(
        self, name: str, parameters: Mapping[str, str], tenants: frozenset[str] | None
    ) -> Sequence[Mapping[str, Any]]:
        """Run a named query. Raises Unknown, Invalid, QueryRefused or StoreUnavailable."""

    def catalogue(self) -> Sequence[NamedQuery]:
        """Every named query, by name."""


class History(Protocol):
    """What has left memory."""

    async def alerts(self, wanted: AlertFilter, *, before: Place, limit: int) -> Sequence[Alert]:
        """Alerts older than a place, newest first. Raises StoreUnavailable."""

    async def decision(self, decision_id: str) -> Decision | None:
        """A decision by id. Raises StoreUnavailable."""
