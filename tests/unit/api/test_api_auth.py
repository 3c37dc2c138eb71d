"""Every route against no token, an unknown token, the wrong scope and another tenant's token."""

import base64
from typing import Any, NamedTuple

import pytest
from api_world import SECRETS, SUBJECT, TENANT, World, envelope

from api.routes import ROUTERS

OPEN = {"/healthz", "/readyz"}


class Call(NamedTuple):
    """One way to call a route, by a token with the wrong scope and with the right ones."""

    method: str
    route: str
    wrong: str | None
    right: tuple[str, ...]
    json: Any = None
    query: str = ""
    names_tenant: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


CALLS = (
    Call("GET", "/metrics", None, ("ingest", "analyst"), names_tenant=False),
    Call("POST", "/v1/ingest/{format}", "gateway", ("ingest",), envelope()),
    Call("GET", "/v1/enforcement/stream", "ingest", ("gateway", "analyst", "reviewer"), query=f"?tenant={TENANT}"),
    Call("GET", "/v1/enforcement/{tenant}/{subject}", "ingest", ("gateway", "analyst", "reviewer")),
    Call(
        "POST", "/v1/enforcement:batch", "ingest", ("gateway",), {"subjects": [{"tenant": TENANT, "subject": SUBJECT}]}
    ),
    Call("GET", "/v1/alerts", "gateway", ("analyst", "reviewer"), query=f"?tenant={TENANT}"),
    Call("GET", "/v1/alerts/stream", "gateway", ("analyst", "reviewer"), query=f"?tenant={TENANT}"),
    Call("GET", "/v1/decisions/{decision_id}", "ingest", ("gateway", "analyst", "reviewer")),
    Call("POST", "/v1/decisions/{decision_id}:lift", "analyst", ("reviewer",), {"reason": "wrong"}),
    Call(
        "POST", "/v1/appeals", "analyst", ("gateway",),
        {"tenant": TENANT, "subject": SUBJECT, "decision_id": "dec_1", "statement": "no"},
    ),
    Call("GET", "/v1/appeals", "ingest", ("gateway", "analyst", "reviewer"), query=f"?tenant={TENANT}"),
    Call("GET", "/v1/appeals/{appeal_id}", "ingest", ("gateway", "analyst", "reviewer")),
    Call("POST", "/v1/appeals/{appeal_id}:claim", "gateway", ("reviewer",)),
    Call("POST", "/v1/appeals/{appeal_id}:decide", "gateway", ("reviewer",), {"outcome": "upheld", "reason": "fits"}),
    Call("GET", "/v1/incidents", "reviewer", ("analyst",), query=f"?tenant={TENANT}"),
    Call("GET", "/v1/incidents/{incident_id}", "reviewer", ("analyst",)),
    Call("POST", "/v1/incidents/{incident_id}:acknowledge", "reviewer", ("analyst",)),
    Call("POST", "/v1/incidents/{incident_id}:resolve", "reviewer", ("analyst",), {"note": "over"}),
    Call("GET", "/v1/commands/{command_id}", "ingest", ("gateway", "analyst", "reviewer")),
    Call("GET", "/v1/sql", "gateway", ("analyst",), query="?query=SELECT+1", names_tenant=False),
    Call("POST", "/v1/sql", "gateway", ("analyst",), query="?query=SELECT+1", names_tenant=False),
    Call("GET", "/v1/queries", "gateway", ("analyst",), names_tenant=False),
    Call("GET", "/v1/queries/{name}", "gateway", ("analyst",), query=f"?tenant={TENANT}"),
    Call("GET", "/v1/status", "gateway", ("analyst", "reviewer"), names_tenant=False),
)  # fmt: skip
by_route = pytest.mark.parametrize("call", CALLS, ids=str)


@pytest.fixture
async def world() -> World:
    """A world with one thing of everything, all of it the tenant's, and no stream that lasts."""
    world = World()
    decision = world.suspend()
    incident = world.spike()
    opened = await world.post(
        "/v1/appeals",
        json={"tenant": TENANT, "subject": SUBJECT, "decision_id": decision.id, "statement": "no"},
        headers={"Idempotency-Key": "appeal-1"},
    )
    world.deps.close_streams()
    world.names = {
        "format": "azure-openai-chat", "tenant": TENANT, "subject": SUBJECT, "decision_id": decision.id,
        "incident_id": incident, "appeal_id": opened.json()["id"], "command_id": world.writer.commands[-1].id,
        "name": "blocked_rate",
    }  # fmt: skip
    return world


async def made(world: World, call: Call, token: str | None, **options: Any) -> Any:
    return await world.call(
        call.method, call.route.format(**world.names) + call.query, token, json=call.json, **options
    )


def test_the_matrix_covers_every_route_but_health() -> None:
    routes = {
        (method, route.path.replace(":path", ""))
        for router in ROUTERS
        for route in router.routes
        for method in route.methods
    }
    assert {(call.method, call.route) for call in CALLS} == {found for found in routes if found[1] not in OPEN}


@by_route
@pytest.mark.parametrize("token", [None, "wf_unknown", ""])
async def test_without_a_known_token_every_route_is_401(world: World, call: Call, token: str | None) -> None:
    answer = await made(world, call, token)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "wf_unknown" not in answer.text


@pytest.mark.parametrize("call", [call for call in CALLS if call.wrong], ids=str)
async def test_the_wrong_scope_is_403(world: World, call: Call) -> None:
    answer = await made(world, call, call.wrong)
    assert answer.status_code == 403
    if not call.route.endswith("/sql"):
        assert answer.json()["error"]["code"] == "wrong_scope"


@pytest.mark.parametrize("call", [call for call in CALLS if call.names_tenant], ids=str)
async def test_another_tenants_token_is_403(world: World, call: Call) -> None:
    before = len(world.writer.commands), len(world.sink.events)
    answer = await made(world, call, "foreign")
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "other_tenant"
    assert (len(world.writer.commands), len(world.sink.events)) == before, "nothing was sent"


@by_route
async def test_the_right_scopes_and_admin_get_past_the_guard(world: World, call: Call) -> None:
    for token in (*call.right, "admin"):
        assert (await made(world, call, token)).status_code not in (401, 403)


async def test_lists_hold_nothing_of_other_tenants(world: World) -> None:
    for path in ("/v1/alerts", "/v1/appeals", "/v1/incidents"):
        assert (await world.get(path, "foreign")).json()["items"] == []
    status = (await world.get("/v1/status", "foreign")).json()
    assert (status["subjects"], status["appeals"], status["incidents"], status["alerts"]) == ({}, {}, {}, {})


async def test_health_and_only_health_is_open(world: World) -> None:
    for path in OPEN:
        assert (await world.get(path, None)).status_code == 200
    assert (await world.get("/openapi.json", None)).status_code == 401
    assert (await world.get("/openapi.json", "ingest")).status_code == 200


async def test_metrics_are_open_where_the_settings_say_so() -> None:
    assert (await World(open_metrics=True).get("/metrics", None)).status_code == 200


async def test_a_path_that_does_not_exist_is_401_before_it_is_404(world: World) -> None:
    assert (await world.get("/v2/nothing", None)).status_code == 401
    assert (await world.get("/v2/nothing")).status_code == 404
    assert (await world.call("DELETE", "/v1/alerts")).status_code == 405


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/v1/enforcement/contoso", "//healthz", "/healthz/"])
async def test_no_spelling_gets_around_the_guard(world: World, path: str) -> None:
    assert (await world.get(path, None)).status_code == 401


def basic(secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"default:{secret}".encode()).decode()}


async def test_sql_takes_the_token_as_clickhouse_clients_send_it(world: World) -> None:
    path = "/v1/sql?query=SELECT+1"
    assert (await world.get(path, None, headers=basic(SECRETS["analyst"]))).status_code == 200
    assert (await world.get(path, None, headers={"X-ClickHouse-Key": SECRETS["analyst"]})).status_code == 200
    assert (await world.get(path, None, headers=basic("wf_unknown"))).status_code == 401
    assert (await world.get(path, None, headers={"Authorization": "Basic %%%"})).status_code == 401


async def test_no_other_route_takes_a_basic_password(world: World) -> None:
    assert (await world.get("/v1/status", None, headers=basic(SECRETS["analyst"]))).status_code == 401
    assert (await world.get("/v1/status", None, headers={"X-ClickHouse-Key": SECRETS["analyst"]})).status_code == 401


async def test_a_token_in_the_url_is_not_taken(world: World) -> None:
    assert (await world.get(f"/v1/sql?query=SELECT+1&password={SECRETS['analyst']}", None)).status_code == 401
