"""The API over a real ClickHouse engine: SQL by clickhouse_connect, named queries, and what has left memory."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from alert_facts import AT, TENANT, series_signal, signal
from api_world import SECRETS, World, served
from clickhouse_connect.driver.exceptions import DatabaseError
from sql_facts import NOON, fresh_store, new_archiver, verdict, verdicts

from api.analytics import StoreAnalytics
from api.history import StoreHistory
from sql.batch import Batch, Record
from sql.readonly import Limits
from sql.store import Store

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clickhouse")


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    for store in fresh_store(folder):
        sent = [verdict(f"r{n}:prompt:hate", state="blocked" if n % 2 else "clean") for n in range(10)]
        sent += [verdict("f1:prompt:hate", tenant="fabrikam")]
        new_archiver(store).store_batch(verdicts(sent))
        yield store


def world_over(store: Store, **options: Any) -> World:
    analytics = StoreAnalytics(store, Limits(seconds=10, result_rows=5_000))
    return World(port=0, analytics=analytics, history=StoreHistory(store), **options)


async def connected(port: int | None, ask: Any, **login: Any) -> Any:
    """What `ask` gets from a clickhouse_connect client pointed at the API."""

    def work() -> Any:
        login.setdefault("access_token", SECRETS["analyst"])
        client = clickhouse_connect.get_client(
            host="127.0.0.1", port=port, proxy_path="/v1/sql", autogenerate_session_id=False, **login
        )
        try:
            return ask(client)
        finally:
            client.close()

    return await asyncio.to_thread(work)


COUNTS = "SELECT tenant, count() AS n FROM filter_verdicts GROUP BY tenant ORDER BY tenant"


async def test_clickhouse_connect_points_at_the_api_and_sees_its_tenants_rows(store: Store) -> None:
    async with served(world_over(store)) as api:
        port = api.base_url.port
        assert await connected(port, lambda client: client.query(COUNTS).result_rows) == [("contoso", 10)]
        every = await connected(port, lambda client: client.query(COUNTS).result_rows, access_token=SECRETS["admin"])
        assert every == [("contoso", 10), ("fabrikam", 1)]
        login = {"access_token": None, "username": "any", "password": SECRETS["analyst"]}
        assert await connected(port, lambda client: client.command("SELECT 1 + 1"), **login) == 2


@pytest.mark.parametrize("more", [0, 3_000], ids=["in the URL", "in a form"])
async def test_clickhouse_connect_passes_parameters(store: Store, more: int) -> None:
    sql = "SELECT count() FROM filter_verdicts WHERE has({offsets:Array(UInt64)}, offset) AND tenant = {tenant:String}"
    parameters = {"offsets": [1, *range(100, 100 + more)], "tenant": "contoso"}
    async with served(world_over(store)) as api:
        rows = await connected(api.base_url.port, lambda client: client.query(sql, parameters=parameters).result_rows)
    assert rows == [(1,)]


async def test_clickhouse_connect_raises_clickhouses_own_errors(store: Store) -> None:
    async with served(world_over(store)) as api:
        for sql, code in (("SELECT * FROM nowhere", 497), ("SELEC 1", 62), ("INSERT INTO ledger VALUES (1)", 497)):
            with pytest.raises(DatabaseError) as raised:
                await connected(api.base_url.port, lambda client, sql=sql: client.query(sql))
            assert raised.value.code in (code, 60, 81)


async def test_errors_name_no_server(store: Store) -> None:
    answer = await world_over(store).post("/v1/sql", "analyst", content="SELECT no_such_column FROM filter_verdicts")
    assert answer.status_code == 400
    assert answer.text.startswith("Code: 47. DB::Exception: ")
    assert answer.text.count("DB::Exception") == 1
    assert "http" not in answer.text


async def test_the_row_limit_holds(store: Store) -> None:
    answer = await world_over(store).post("/v1/sql", "analyst", content="SELECT number FROM numbers(6000)")
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (400, "396")
    assert answer.text.count("TOO_MANY_ROWS_OR_BYTES") == 1


async def test_a_format_comes_with_its_content_type(store: Store) -> None:
    answer = await world_over(store).post("/v1/sql", "analyst", content=f"{COUNTS} FORMAT JSONEachRow")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.text.strip() in ('{"tenant":"contoso","n":10}', '{"tenant":"contoso","n":"10"}')


async def test_named_queries_run_for_the_tokens_tenants(store: Store) -> None:
    world = world_over(store)
    names = [one["name"] for one in (await world.get("/v1/queries", "analyst")).json()["items"]]
    for name in names:
        assert (await world.get(f"/v1/queries/{name}", "analyst")).status_code == 200
    rows = (await world.get("/v1/queries/by_model", "foreign")).json()["rows"]
    assert rows == [] or "contoso" not in str(rows)
    assert (await world.get("/v1/queries/by_model?no_such=1", "analyst")).json()["error"]["field"] == "no_such"
    assert (await world.get("/v1/queries/no_such", "analyst")).status_code == 404


class Log:
    """Keeps what a writer says, to be archived and to be applied."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.records: defaultdict[str, list[Record]] = defaultdict(list)

    def apply(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        kept = self.records[topic]
        kept.append(Record(len(kept), int(NOON.timestamp() * 1000), key, value))
        self._world.tail.apply(topic, key, value)


def archived(world: World, store: Store) -> None:
    """Ten signals with what follows, a minute apart, and an incident, in memory and in the store."""
    log = Log(world)
    world.writer.tail = log
    for number in range(10):
        world.writer.hear(signal(number, level="block", at=AT + timedelta(minutes=number, milliseconds=7)))
    world.writer.hear(series_signal(99, at=AT))
    archiver = new_archiver(store)
    for topic in ("signals", "ledger"):
        archiver.store_batch(Batch(topic, 0, log.records[topic]))


async def paged(world: World, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await world.get(f"/v1/alerts?limit=3{query}{cursor}", "analyst")).json()
        found += page["items"]
        if page.get("next") is None:
            return found
        cursor = f"&cursor={page['next']}"


@pytest.mark.parametrize(
    "query",
    ["", "&kind=signal", "&kind=decision", "&kind=held", "&detector=category_spike", "&level=block", "&level=warn",
     "&since=2026-03-01T12:04:00Z", f"&tenant={TENANT}"],
)  # fmt: skip
async def test_pages_from_memory_and_store_are_those_of_memory_alone(store: Store, query: str) -> None:
    small, large = world_over(store, feed_size=4), World()
    archived(small, store)
    large.writer.hear(series_signal(99, at=AT))
    for number in range(10):
        large.writer.hear(signal(number, level="block", at=AT + timedelta(minutes=number, milliseconds=7)))
    assert len(small.deps.feed) == 4
    expected = await paged(large, query)
    found = await paged(small, query)
    assert [one["id"] for one in found] == [one["id"] for one in expected]
    assert [(one["kind"], one["words"], one.get("level")) for one in found] == [
        (one["kind"], one["words"], one.get("level")) for one in expected
    ]
    assert (await small.get("/v1/alerts?limit=3", "foreign")).json()["items"] == []


async def test_a_decision_that_left_memory_is_shown_from_the_store(store: Store) -> None:
    world = world_over(store)
    archived(world, store)
    decision = world.writer.cases[TENANT, "k1." + "a" * 26].decisions[0]
    later = world_over(store)
    shown = (await later.get(f"/v1/decisions/{decision.id}", "analyst")).json()
    assert shown["decision"] == decision.model_dump(mode="json")
    assert (await later.get("/v1/decisions/dec_none", "analyst")).status_code == 404
    assert (await later.get(f"/v1/decisions/{decision.id}", "foreign")).status_code == 403
