"""The whole loop on the embedded parts, over HTTP: from a provider's answers to measures, appeals, SQL and back."""

import json
import signal
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from loop.azure_samples import SAMPLES
from loop.local import AZURE, ELSEWHERE, TENANT, Local
from loop.planted import verdict
from loop.process import alive, descendants
from loop.waiting import until

from events import Category, Stage, State

pytestmark = [pytest.mark.embedded, pytest.mark.asyncio(loop_scope="module")]
FOLDER = Path(__file__).parents[3] / "shared" / "reference" / "samples" / "azure-openai-chat"
BLOCKED: dict[str, Any] = {
    "error": {
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"violence": {"filtered": True, "severity": "high"}},
        },
    }
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def local(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Local]:
    async with Local.running(tmp_path_factory.mktemp("local") / "data") as local:
        yield local


def item(name: str, *, seconds_ago: int = 0, **fields: Any) -> dict[str, Any]:
    """An Azure item that is in order, unless `fields` say otherwise."""
    at = datetime.now(UTC) - timedelta(seconds=seconds_ago)  # noqa: TID251  the loop runs on the wall clock
    valid = {"id": name, "at": at.isoformat(), "tenant": TENANT, "user": "jane", "model": "gpt-4.1", "body": BLOCKED}
    return valid | fields


async def offend(local: Local, user: str) -> list[str]:
    """Let a user be refused again and again, until warning, throttling and suspension hold; the decisions' ids."""
    await local.ingest(item(f"{user}-{number}", seconds_ago=300 - 15 * number, user=user) for number in range(20))

    async def suspended() -> Any:
        standing = await local.standing(user)
        return standing["standing"] == "suspended" and standing["decisions"]

    decisions: list[str] = await until(suspended, f"{user} is suspended", every=0.1)
    return decisions


async def count(local: Local, table: str, where: str) -> int:
    return int((await local.sql(f"SELECT count() AS n FROM {table} WHERE {where}"))[0]["n"])


async def test_it_is_ready_within_half_a_minute(local: Local, told: Callable[[str], None]) -> None:
    told(f"ready in {local.ready_seconds:.1f} s")
    assert local.ready_seconds < 30


async def test_an_overturned_appeal_lifts_exactly_that_decision(local: Local) -> None:
    others = await offend(local, "mallory")
    warned, throttled, suspended = await offend(local, "trudy")
    gravest = await local.ask("GET", f"/v1/decisions/{suspended}", caller="analyst")
    assert gravest.json()["decision"]["measure"] == "suspend", gravest.text

    asked = {"tenant": TENANT, "user": "trudy", "decision_id": suspended, "statement": "That was my colleague."}
    opened = await local.ask("POST", "/v1/appeals", caller="gateway", json=asked)
    assert opened.status_code == 201, opened.text
    appeal = f"/v1/appeals/{opened.json()['id']}"
    claimed = await local.ask("POST", f"{appeal}:claim", caller="reviewer")
    assert (claimed.status_code, claimed.json()["state"]) == (200, "claimed")
    ruling = {"outcome": "overturned", "reason": "The account was shared."}
    decided = await local.ask("POST", f"{appeal}:decide", caller="reviewer", json=ruling)
    assert (decided.status_code, decided.json()["state"]) == (200, "overturned")

    async def lifted() -> bool:
        return (await local.standing("trudy"))["decisions"] == [warned, throttled]

    await until(lifted, "only the appealed decision is lifted", every=0.1)
    assert (await local.standing("trudy"))["standing"] == "throttled"
    assert (await local.standing("mallory"))["decisions"] == others
    steps = f"SELECT kind, actor FROM ledger WHERE about IN ('{suspended}', '{opened.json()['id']}')"

    async def entered() -> Any:
        rows = {(row["kind"], row["actor"]) for row in await local.sql(steps)}
        return rows if len(rows) == 5 else None

    assert await until(entered, "the ledger holds every step", every=0.2) == {
        ("decision", "watchfloor"),
        ("appeal_opened", "subject"),
        ("appeal_claimed", "reviewer"),
        ("appeal_decided", "reviewer"),
        ("lift", "reviewer"),
    }
    assert await count(local, "ledger", "kind = 'lift'") == 1


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the published sample bodies are not on this machine")
async def test_every_published_sample_is_stored_as_it_reads(local: Local) -> None:
    files = {path.name: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
    assert files.keys() == SAMPLES.keys()
    await local.ingest(item(f"sample-{name}", user="sampler", body=body) for name, body in files.items())
    expected = {(f"sample-{name}", *finding) for name, findings in SAMPLES.items() for finding in findings}
    query = """SELECT request_id, stage, provider_category, category, state, severity
        FROM filter_verdicts WHERE startsWith(request_id, 'sample-')"""

    async def stored() -> Any:
        rows = [tuple(row.values()) for row in await local.sql(query)]
        return rows if len(rows) >= len(expected) else None

    rows = await until(stored, "every finding is stored", every=0.2)
    assert len(rows) == len(expected)
    assert set(rows) == expected


TOO_LARGE = json.dumps({"id": "broken", "padding": "x" * 10_000_000}).encode()
FUTURE = "2199-01-01T00:00:00Z"
BRAND_NEW = {"choices": [{"index": 0, "content_filter_results": {"brand_new": {"filtered": True}}}]}
HATE = {"category": Category.HATE, "provider_category": "hate", "stage": Stage.PROMPT, "state": State.CLEAN}
OWN = verdict("broken", datetime(2026, 1, 1, tzinfo=UTC), user=1, **HATE).model_dump(mode="json", exclude_none=True)
UNKNOWN = {"kind": "filter_verdict"} | OWN | {"category": "no_such_category"}


def as_json(broken: Any) -> bytes:
    return json.dumps(broken).encode()


@pytest.mark.parametrize(
    ("caller", "path", "body", "status", "code"),
    [
        pytest.param("ingester", AZURE, as_json(item("broken"))[:-40], 400, "unreadable", id="truncated"),
        pytest.param("ingester", AZURE, as_json(item("broken", user=7)), 422, "invalid", id="wrong type"),
        pytest.param("ingester", AZURE, as_json(item("broken", body=17)), 422, "invalid", id="wrong body"),
        pytest.param("ingester", AZURE, as_json(item("broken", body=BRAND_NEW)), 422, "invalid", id="unknown category"),
        pytest.param("ingester", "/v1/ingest/canonical", as_json(UNKNOWN), 422, "invalid", id="unknown category (own)"),
        pytest.param("ingester", AZURE, TOO_LARGE, 413, "body_too_large", id="10 MB"),
        pytest.param("ingester", AZURE, as_json(item("broken", at=FUTURE)), 422, "future_time", id="future"),
        pytest.param("ingester", AZURE, as_json(item("broken", user=None)), 422, "invalid", id="missing user"),
        pytest.param(None, AZURE, as_json(item("broken")), 401, "unauthenticated", id="no token"),
        pytest.param("gateway", AZURE, as_json(item("broken")), 403, "wrong_scope", id="wrong scope"),
        pytest.param("stranger", AZURE, as_json(item("broken")), 403, "other_tenant", id="other tenant's token"),
    ],
)
async def test_a_broken_variant_is_refused(
    local: Local, caller: str | None, path: str, body: bytes, status: int, code: str
) -> None:
    answer = await local.ask("POST", path, caller=caller, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


async def test_what_was_refused_stored_nothing(local: Local) -> None:
    refused = [item("broken"), item("broken-2", user=None)]
    assert (await local.ask("POST", AZURE, caller="stranger", json=refused)).status_code == 422
    await local.ingest([item("afterwards", user="sam")])

    async def stored() -> bool:
        return await count(local, "filter_verdicts", "request_id = 'afterwards'") == 1

    await until(stored, "what came later is stored", every=0.2)
    for table in ("filter_verdicts", "request_logs"):
        assert await count(local, table, "startsWith(request_id, 'broken')") == 0
    assert await count(local, "filter_verdicts", f"tenant = '{ELSEWHERE}'") == 0
    assert await count(local, "dead_letters", "1") == 0


async def test_it_stops_on_ctrl_c_and_finds_its_history_again(local: Local, told: Callable[[str], None]) -> None:
    decisions = await offend(local, "victor")

    async def archived() -> bool:
        ids = ", ".join(f"'{one}'" for one in decisions)
        return await count(local, "ledger", f"kind = 'decision' AND about IN ({ids})") == len(decisions)

    await until(archived, "the decisions are archived", every=0.2)
    standing, rows = await local.standing("victor"), await count(local, "filter_verdicts", "1")
    family = descendants(local.process.pid)
    assert len(family) >= 2
    code, seconds = local.process.stop(signal.SIGINT)
    assert code == 0, local.process.said[-2000:]
    assert [pid for pid in family if alive(pid)] == []

    await local.start()
    told(f"stopped in {seconds:.1f} s, ready again in {local.ready_seconds:.1f} s")
    again = await local.standing("victor")
    assert again | {"as_of": None} == standing | {"as_of": None}
    assert await count(local, "filter_verdicts", "1") == rows
    before = await count(local, "ledger", "kind = 'decision'")
    await offend(local, "walter")

    async def decided() -> bool:
        return await count(local, "ledger", "kind = 'decision'") == before + 3

    await until(decided, "a second life decides as the first did", every=0.2)
