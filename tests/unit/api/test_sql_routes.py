"""SQL over HTTP as ClickHouse clients speak it, and the named queries."""

from urllib.parse import urlencode

import pytest
from api_world import World

FORM = {"Content-Type": "multipart/form-data; boundary=xyz"}


def part(name: str, value: str) -> str:
    return f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


async def test_the_query_comes_from_url_body_or_both() -> None:
    world = World()
    await world.get("/v1/sql?query=SELECT+1", "analyst")
    await world.post("/v1/sql", "analyst", content="SELECT 2")
    await world.post("/v1/sql?query=SELECT", "analyst", content="3")
    assert [asked.sql for asked in world.analytics.asked] == ["SELECT 1", "SELECT 2", "SELECT\n3"]


async def test_parameters_and_format_are_passed_on_and_settings_are_not() -> None:
    world = World()
    query = {
        "param_tenant": "contoso",
        "default_format": "CSV",
        "max_result_rows": "9",
        "database": "x",
        "readonly": "0",
    }
    answer = await world.post(f"/v1/sql?{urlencode(query)}", "analyst", content="SELECT {tenant:String}")
    asked = world.analytics.asked[0]
    assert (asked.parameters, asked.format, asked.tenants) == ({"tenant": "contoso"}, "CSV", frozenset({"contoso"}))
    assert answer.headers["x-clickhouse-format"] == "TabSeparated"


async def test_the_format_header_wins() -> None:
    world = World()
    headers = {"X-ClickHouse-Format": "JSON"}
    await world.get("/v1/sql?query=SELECT+1&default_format=CSV", "analyst", headers=headers)
    assert world.analytics.asked[0].format == "JSON"


async def test_a_token_of_all_tenants_is_not_filtered() -> None:
    world = World()
    await world.get("/v1/sql?query=SELECT+1", "admin")
    assert world.analytics.asked[0].tenants is None


async def test_long_parameters_may_come_as_a_form() -> None:
    world = World()
    form = (part("query", "SELECT {a:String}") + part("param_a", "é" * 9) + "--xyz--\r\n").encode()
    assert (await world.post("/v1/sql", "analyst", content=form, headers=FORM)).status_code == 200
    (first,) = world.analytics.asked
    assert (first.sql, first.parameters) == ("SELECT {a:String}", {"a": "é" * 9})


async def test_a_body_is_the_query_whatever_curl_calls_it() -> None:
    world = World()
    curl = {"Content-Type": "application/x-www-form-urlencoded"}
    await world.post("/v1/sql", "analyst", content=b"SELECT 1 + 1 AS a", headers=curl)
    assert world.analytics.asked[0].sql == "SELECT 1 + 1 AS a"


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"DROP TABLE ledger", {}, 400, "497"),
        (b"", {}, 422, "62"),
        (b"  \n", {}, 422, "62"),
        (b"\xff\xfe", {}, 400, "62"),
        (b"no form", {"Content-Type": "multipart/form-data"}, 400, "62"),
    ],
)
async def test_errors_are_told_as_clickhouse_tells_them(
    content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await World().post("/v1/sql", "analyst", content=content, headers=headers)
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (status, code)
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(("token", "status", "code"), [(None, 401, "516"), ("gateway", 403, "497")])
async def test_whoever_may_not_ask_gets_clickhouses_codes(token: str | None, status: int, code: str) -> None:
    answer = await World().post("/v1/sql", token, content="SELECT 1")
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (status, code)


async def test_a_store_that_does_not_answer_is_503() -> None:
    world = World()
    world.analytics.available = False
    answer = await world.post("/v1/sql", "analyst", content="SELECT 1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_named_queries_are_listed_and_run_for_the_tokens_tenants() -> None:
    world = World()
    listed = (await world.get("/v1/queries", "analyst")).json()["items"]
    assert listed[0]["name"] == "blocked_rate"
    rows = (await world.get("/v1/queries/blocked_rate?from=2026-01-01", "analyst")).json()["rows"]
    assert rows == [{"tenants": ["contoso"], "from": "2026-01-01"}]
    every = (await world.get("/v1/queries/blocked_rate", "admin")).json()["rows"]
    assert every == [{"tenants": None}]


async def test_an_unknown_named_query_is_404() -> None:
    assert (await World().get("/v1/queries/no_such", "analyst")).status_code == 404


async def test_readiness_names_what_is_missing() -> None:
    world = World()
    assert (await world.get("/readyz", None)).json() == {"ready": True, "checks": {"log": True, "store": True}}
    world.ready["store"] = False
    answer = await world.get("/readyz", None)
    assert (answer.status_code, answer.json()["checks"]) == (503, {"log": True, "store": False})
    del world.ready["log"]
    assert (await world.get("/readyz", None)).json()["checks"]["log"] is False, "a check that fails is not ready"
