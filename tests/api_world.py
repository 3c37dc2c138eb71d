"""A whole API in memory for tests: fakes behind its ports, and a writer that runs the real alerts functions."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
from alert_facts import AT, ENFORCE, SUBJECT, TENANT, series_signal, signal

from alerts.case import Case, Outcome, apply_command, apply_signal
from alerts.command import AcknowledgeIncident, Command, ResolveIncident
from alerts.decision import Decision
from alerts.incidents import IncidentFile, IncidentOutcome, apply_incident_command, apply_series_signal
from alerts.signal import Signal
from api.alert_feed import Alert, AlertFeed, AlertFilter
from api.app import create_app
from api.changes import Hub
from api.commands import Commander
from api.deps import ApiDeps
from api.errors import BrokerUnavailable, QueryRefused, StoreUnavailable, Unknown
from api.feeds import Tail
from api.metrics import Metrics
from api.page import Place
from api.ports import Analytics, History, NamedQuery, SqlAnswer, SqlRequest
from api.serve import serve
from api.settings import ApiSettings
from api.tokens import Token, TokenBook, hash_of
from api.views import Views
from events import Event
from events.formats import FORMATS
from events.pseudonym import Pseudonymiser
from events.topics import APPEALS, ENFORCEMENTS, INCIDENTS, LEDGER, SIGNALS

NOW = AT + timedelta(hours=1)
KEYS = {"k2": bytes(range(32)), "k1": bytes(range(100, 132))}
SECRETS = {
    "ingest": "wf_ingest", "gateway": "wf_gateway", "analyst": "wf_analyst", "reviewer": "wf_reviewer",
    "second": "wf_second", "admin": "wf_admin", "foreign": "wf_foreign",
}  # fmt: skip
_SCOPES = {
    "ingest": ["ingest"], "gateway": ["gateway"], "analyst": ["analyst"], "reviewer": ["reviewer"],
    "second": ["reviewer"], "admin": ["admin"], "foreign": ["ingest", "gateway", "analyst", "reviewer"],
}  # fmt: skip
_TENANTS = {"admin": ["*"], "foreign": ["fabrikam"]}
BOOK = TokenBook(
    Token.model_validate(
        {"name": name, "sha256": hash_of(secret), "scopes": _SCOPES[name], "tenants": _TENANTS.get(name, [TENANT])}
    )
    for name, secret in SECRETS.items()
)


class FakeSink:
    """EventSink in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.available = True

    async def publish(self, events: Sequence[Event]) -> None:
        if not self.available:
            raise BrokerUnavailable
        self.events.extend(events)


class Writer:
    """CommandSink and the one writer behind it: carries commands out at once, and tells the tail what came of it."""

    def __init__(self) -> None:
        self.tail: Tail | None = None
        self.cases: dict[tuple[str, str], Case] = {}
        self.files: dict[str, IncidentFile] = {}
        self.commands: list[Command] = []
        self.available, self.silent = True, False

    async def submit(self, command: Command) -> None:
        if not self.available:
            raise BrokerUnavailable
        self.commands.append(command)
        if not self.silent:
            self.carry_out(command)

    def carry_out(self, command: Command) -> None:
        if isinstance(command, AcknowledgeIncident | ResolveIncident):
            file = self.files.get(command.series) or IncidentFile(tenant=command.tenant, series=command.series)
            self._incident(command.series, apply_incident_command(file, command, now=command.at))
        else:
            case = self._case(command.tenant, command.subject)
            self._case_changed(apply_command(case, command, policy=ENFORCE, now=command.at))

    def hear(self, found: Signal) -> None:
        self._tell(SIGNALS.name, found.key, found)
        if found.subject:
            case = self._case(found.tenant, found.subject)
            self._case_changed(apply_signal(case, found, policy=ENFORCE))
        else:
            file = self.files.get(found.key) or IncidentFile(tenant=found.tenant, series=found.key)
            self._incident(found.key, apply_series_signal(file, found))

    def _case(self, tenant: str, subject: str) -> Case:
        return self.cases.get((tenant, subject)) or Case(tenant=tenant, subject=subject)

    def _case_changed(self, outcome: Outcome) -> None:
        case = outcome.case
        self.cases[case.tenant, case.subject] = case
        if outcome.enforcement:
            self._tell(ENFORCEMENTS.name, f"{case.tenant}|{case.subject}", outcome.enforcement)
        if outcome.appeal:
            self._tell(APPEALS.name, f"{case.tenant}|{outcome.appeal.id}", outcome.appeal)
        self._entries(outcome)

    def _incident(self, series: str, outcome: IncidentOutcome) -> None:
        self.files[series] = outcome.file
        if outcome.incident:
            self._tell(INCIDENTS.name, outcome.incident.id, outcome.incident)
        self._entries(outcome)

    def _entries(self, outcome: Outcome | IncidentOutcome) -> None:
        for entry in reversed(outcome.entries):  # the ledger's partitions promise no order
            self._tell(LEDGER.name, entry.key, entry)

    def _tell(self, topic: str, key: str, record: Any) -> None:
        assert self.tail is not None
        self.tail.apply(topic, key.encode(), record.model_dump_json().encode())


class FakeAnalytics:
    """Analytics that answers with what it was asked."""

    def __init__(self) -> None:
        self.asked: list[SqlRequest] = []
        self.available = True

    async def run(self, request: SqlRequest) -> SqlAnswer:
        self.asked.append(request)
        if not self.available:
            raise StoreUnavailable
        if request.sql.startswith("DROP"):
            raise QueryRefused(code=497, name="ACCESS_DENIED", reason="only SELECT is answered here")
        return SqlAnswer(b"1\n", "text/tab-separated-values; charset=UTF-8", {"X-ClickHouse-Format": "TabSeparated"})

    async def query(
        self, name: str, parameters: Mapping[str, str], tenants: frozenset[str] | None
    ) -> Sequence[Mapping[str, Any]]:
        if name != "blocked_rate":
            raise Unknown(field="name")
        return [{"tenants": sorted(tenants) if tenants else None, **parameters}]

    def catalogue(self) -> Sequence[NamedQuery]:
        return (NamedQuery("blocked_rate", "How many requests were blocked?", {"from": "DateTime('UTC')"}),)


class FakeHistory:
    """What has left memory, in a list."""

    def __init__(self) -> None:
        self.old_alerts: list[Alert] = []
        self.old_decisions: dict[str, Decision] = {}

    async def alerts(self, wanted: AlertFilter, *, before: Place, limit: int) -> Sequence[Alert]:
        older = sorted((one for one in self.old_alerts if one.place < before), key=lambda one: one.place, reverse=True)
        return [one for one in older if wanted.fits(one)][:limit]

    async def decision(self, decision_id: str) -> Decision | None:
        return self.old_decisions.get(decision_id)


class World:
    """An API with everything behind it; `call` speaks HTTP to it."""

    def __init__(
        self,
        *,
        feed_size: int = 1000,
        analytics: Analytics | None = None,
        history: History | None = None,
        **settings: Any,
    ) -> None:
        self.now = NOW
        self.sink, self.writer = FakeSink(), Writer()
        self.analytics, self.history = FakeAnalytics(), FakeHistory()
        self.ready = {"log": True, "store": True}
        quick = {"command_patience": timedelta(milliseconds=20), "heartbeat": timedelta(seconds=5)}
        self.settings = ApiSettings(**(quick | settings))
        commander = Commander(self.writer, patience=self.settings.command_patience)
        self.deps = ApiDeps(
            settings=self.settings,
            policy=ENFORCE.policy,
            tokens=BOOK,
            formats={known.name: known for known in FORMATS},
            pseudonymiser=Pseudonymiser(KEYS),
            sink=self.sink,
            commander=commander,
            analytics=analytics or self.analytics,
            history=history or self.history,
            views=Views.empty("e1"),
            feed=AlertFeed("e1", size=feed_size),
            clock=lambda: self.now,
            checks={name: self._check(name) for name in self.ready},
            metrics=Metrics(),
        )
        self.tail = Tail(self.deps.views, self.deps.feed, commander, metrics=self.deps.metrics)
        self.writer.tail = self.tail
        self.app = create_app(self.deps)

    def _check(self, name: str) -> Any:
        async def check() -> bool:
            return self.ready[name]

        return check

    async def call(self, method: str, path: str, token: str | None = "admin", **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {SECRETS.get(token, token)}")
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://watchfloor") as client:
            return await client.request(method, path, headers=headers, **options)

    async def get(self, path: str, token: str | None = "admin", **options: Any) -> httpx.Response:
        return await self.call("GET", path, token, **options)

    async def post(self, path: str, token: str | None = "admin", **options: Any) -> httpx.Response:
        return await self.call("POST", path, token, **options)

    def suspend(self, subject: str = SUBJECT, tenant: str = TENANT, *, number: int = 1) -> Decision:
        """Signal a subject until a decision follows, and return it."""
        found = signal(number, level="block", tenant=tenant, subject=subject, key=f"{tenant}|{subject}")
        self.writer.hear(found)
        return self.writer.cases[tenant, subject].decisions[-1]

    def spike(self, number: int = 1000) -> str:
        """Open an incident, and return its id."""
        found = series_signal(number)
        self.writer.hear(found)
        return self.writer.files[found.key].incidents[-1].id


def envelope(**fields: Any) -> dict[str, Any]:
    """An item of azure-openai-chat: a prompt that was blocked."""
    error = {"code": "content_filter", "message": "…", "innererror": {
        "code": "ResponsibleAIPolicyViolation",
        "content_filter_result": {"hate": {"filtered": True, "severity": "high"}},
    }}  # fmt: skip
    item = {
        "id": "req-1", "at": NOW.isoformat(), "tenant": TENANT, "user": "jane", "model": "gpt-4.1",
        "http_status": 400, "body": {"error": error},
    } | fields  # fmt: skip
    return {name: value for name, value in item.items() if value is not None}


@asynccontextmanager
async def served(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The world on a free port (`port=0`); stopped at the end, which must come quickly."""
    stop, url = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.create_task(serve(world.deps, world.settings, stop, ready=url.set_result))
    headers = {"Authorization": f"Bearer {SECRETS['admin']}"}
    async with httpx.AsyncClient(base_url=await url, headers=headers) as client:
        try:
            yield client
        finally:
            stop.set()
            async with asyncio.timeout(5):
                await running


async def followed(hub: Hub[Any], asking: asyncio.Task[Any]) -> None:
    """Wait until a stream follows the hub, or was refused."""
    for _ in range(10_000):
        if len(hub) or asking.done():
            return
        await asyncio.sleep(0)
    raise AssertionError("nobody follows")


def event_frames(text: str) -> list[tuple[str, str, str | None]]:
    """The events of a stream as (name, data, id)."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if fields:
            found.append((fields["event"], fields["data"], fields.get("id")))
    return found
