"""Worker, archiver and API in one event loop, on the embedded broker and the embedded ClickHouse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.deps import ApiDeps
from api.settings import ApiSettings
from broker.connection import KafkaSettings
from broker.embedded import EmbeddedBroker
from broker.topics import ensure_topics
from policy import load_policy
from sql.follow import ArchiverSettings
from sql.migrate import up
from sql.settings import StoreSettings
from sql.store import Store, open_store
from streams.run import run_worker
from streams.settings import WorkerSettings
from watchfloor.place import Place
from watchfloor.processes import api_parts, run_archiver
from watchfloor.restore import restore
from watchfloor.shell import now

pytestmark = pytest.mark.embedded

POLICY = load_policy("demo")
BLOCKED = {
    "error": {
        "code": "content_filter",
        "param": "prompt",
        "innererror": {"content_filter_result": {"violence": {"filtered": True, "severity": "high"}}},
    }
}


def items(user: str, count: int, start: datetime) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{user}-{number}", "at": (start + timedelta(minutes=number)).isoformat(), "tenant": "contoso",
            "user": user, "model": "gpt-4o", "http_status": 400, "body": BLOCKED,
        }
        for number in range(count)
    ]  # fmt: skip


async def eventually(check: Any, seconds: float = 40) -> Any:
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = await check()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.1)


@asynccontextmanager
async def installation(kafka: KafkaSettings, store: Store, place: Place) -> AsyncIterator[ApiDeps]:
    """Everything but HTTP's port, from start to a clean stop."""
    await ensure_topics(kafka)
    await restore(kafka, store, on_progress=lambda _: None)
    stop = asyncio.Event()
    jobs = [
        asyncio.create_task(run_worker(WorkerSettings(session_seconds=6), kafka, policy=POLICY, stop=stop)),
        asyncio.create_task(run_archiver(ArchiverSettings(session_seconds=6), kafka, store, stop=stop)),
    ]
    try:
        async with api_parts(ApiSettings(tokens=place.tokens), kafka, store, policy=POLICY, keys=place.keys) as deps:
            yield deps
    finally:
        stop.set()
        await asyncio.gather(*jobs)


def client(deps: ApiDeps, place: Place) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {place.token.read_text('utf-8')}"}
    transport = httpx.ASGITransport(app=create_app(deps))
    return httpx.AsyncClient(transport=transport, base_url="http://watchfloor", headers=headers, timeout=30)


async def test_an_offender_is_restricted_appeals_and_history_survives_a_new_log(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.prepare()
    store = open_store(StoreSettings(path=place.clickhouse))
    up(store, POLICY.policy.retention, now=now())
    try:
        async with EmbeddedBroker(place.log("broker"), partitions=2) as broker:
            lifted = await first_life(broker.settings, store, place)
        async with EmbeddedBroker(place.log("broker"), partitions=2) as broker:
            await second_life(broker.settings, store, place, lifted)
    finally:
        store.close()


async def first_life(kafka: KafkaSettings, store: Store, place: Place) -> str:
    start = datetime.now(UTC) - timedelta(hours=6)  # noqa: TID251  events of the last hours
    async with installation(kafka, store, place) as deps, client(deps, place) as http:
        answer = await http.post("/v1/ingest/azure-openai-chat", json=items("mallory", 40, start))
        assert answer.status_code == 202, answer.text

        async def standing() -> Any:
            found = (await http.get("/v1/enforcement/contoso/mallory", params={"id_kind": "user"})).json()
            return found if found["standing"] == "suspended" else None

        found = await eventually(standing)
        suspension = found["decisions"][-1]
        opened = await http.post(
            "/v1/appeals",
            json={"tenant": "contoso", "user": "mallory", "decision_id": suspension, "statement": "It was research."},
        )
        assert opened.status_code in (200, 201), opened.text
        appeal = opened.json()["id"]
        assert (await http.post(f"/v1/appeals/{appeal}:claim")).is_success
        decided = await http.post(
            f"/v1/appeals/{appeal}:decide", json={"outcome": "overturned", "reason": "Licensed research."}
        )
        assert decided.is_success, decided.text

        async def throttled() -> Any:
            found = (await http.get("/v1/enforcement/contoso/mallory", params={"id_kind": "user"})).json()
            return found["standing"] == "throttled"

        assert await eventually(throttled)

        async def archived() -> Any:
            rows = (await http.post("/v1/sql", content="SELECT count() FROM ledger WHERE kind = 'lift'")).text
            return rows.strip() == "1"

        assert await eventually(archived)
        assert (await http.get("/readyz")).is_success
        return str(suspension)


async def second_life(kafka: KafkaSettings, store: Store, place: Place, lifted: str) -> None:
    async with installation(kafka, store, place) as deps, client(deps, place) as http:

        async def remembered() -> Any:
            found = (await http.get("/v1/enforcement/contoso/mallory", params={"id_kind": "user"})).json()
            return found["standing"] == "throttled"

        assert await eventually(remembered)
        decision = (await http.get(f"/v1/decisions/{lifted}")).json()
        assert (decision["status"], decision["decision"]["measure"]) == ("lifted", "suspend")
        later = datetime.now(UTC) - timedelta(minutes=30)  # noqa: TID251  events of the last minutes
        assert (await http.post("/v1/ingest/azure-openai-chat", json=items("mallory-2", 3, later))).status_code == 202

        async def counted() -> Any:
            rows = (await http.post("/v1/sql", content="SELECT uniqExact(epoch), count() FROM filter_verdicts")).text
            return rows.split() == ["2", "43"]

        assert await eventually(counted)
