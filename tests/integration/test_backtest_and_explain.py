"""`backtest` and `explain` against a whole installation on the embedded parts, by the command line."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from loop.local import TENANT, Local
from loop.process import POLICY
from loop.waiting import until
from typer.testing import CliRunner

from watchfloor.__main__ import create_cli

pytestmark = [pytest.mark.embedded, pytest.mark.asyncio(loop_scope="module")]
BLOCKED: dict[str, Any] = {
    "error": {
        "code": "content_filter",
        "innererror": {"content_filter_result": {"violence": {"filtered": True, "severity": "high"}}},
    }
}


def item(user: str, number: int, start: datetime) -> dict[str, Any]:
    at = start + timedelta(minutes=number)
    name = f"{user}-{number}"
    return {"id": name, "at": at.isoformat(), "tenant": TENANT, "user": user, "model": "gpt-4.1", "body": BLOCKED}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def local(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Local]:
    """An installation in which mallory was refused twenty times and jane once, all of it archived."""
    start = datetime.now(UTC) - timedelta(hours=1)  # noqa: TID251  the loop runs on the wall clock
    async with Local.running(tmp_path_factory.mktemp("local") / "data") as local:
        await local.ingest([*(item("mallory", number, start) for number in range(20)), item("jane", 20, start)])

        async def archived() -> bool:
            decided = await local.sql("SELECT count() AS n FROM ledger WHERE kind = 'decision'")
            stored = await local.sql("SELECT count() AS n FROM filter_verdicts")
            fired = await local.sql("SELECT count() AS n FROM signals")
            return int(stored[0]["n"]) == 21 and int(decided[0]["n"]) >= 3 and int(fired[0]["n"]) >= 3

        await until(archived, "everything is archived", every=0.3)
        yield local


async def watchfloor(local: Local, *arguments: str, caller: str = "admin") -> tuple[int, str, str]:
    """Run a command against the installation, in a caller's name."""
    token = local.place.root / f"{caller}.token"
    token.write_text(local.tokens[caller], "utf-8")
    told = [*arguments, "--data", str(local.place.root), "--token-file", str(token)]
    result = await asyncio.to_thread(CliRunner().invoke, create_cli(), told)
    return result.exit_code, result.stdout, result.stderr


async def explained(local: Local, name: str) -> dict[str, Any]:
    code, out, err = await watchfloor(local, "explain", name, "--policy", str(POLICY), "--json")
    assert code == 0, err
    document: dict[str, Any] = json.loads(out)
    return document


async def test_a_stored_range_is_rehearsed_to_the_same_decisions(local: Local) -> None:
    code, out, err = await watchfloor(
        local, "backtest", str(POLICY), "clickhouse:", "--against", "azure-default", "--json"
    )
    assert code == 0, err
    document = json.loads(out)
    decided = await local.sql("SELECT DISTINCT key FROM ledger WHERE kind = 'decision'")
    found = [one for part in ("both", "only_candidate") for one in document["restricted"][part]]
    assert [f"{one['tenant']}|{one['subject']}" for one in found] == [one["key"] for one in decided]
    assert document["events"]["read"] == document["events"]["applied"] == 42
    assert document["subjects"] == 2


async def test_a_token_for_another_tenant_rehearses_nothing(local: Local) -> None:
    code, out, err = await watchfloor(local, "backtest", str(POLICY), "clickhouse:", caller="stranger")
    assert (code, out) == (1, "")
    assert "no events" in err


async def test_a_decision_is_explained_by_levels_and_the_events_that_it_stands_on(local: Local) -> None:
    decisions = await local.sql("SELECT about, detail FROM ledger WHERE kind = 'decision' ORDER BY at")
    document = await explained(local, decisions[-1]["about"])
    assert document["kind"] == "decision"
    assert "The subject is" in document["told"]
    assert document["replay"]["reproduced"]
    (trace,) = document["replay"]["traces"]
    assert trace["signals"][0]["id"] == json.loads(decisions[-1]["detail"])["signal_id"]
    assert {one["level"] for one in trace["readings"]} == {"review", "restrict", "block"}
    assert 0 < len(trace["counterfactual"]["without"]) < trace["counterfactual"]["of"]


async def test_an_event_that_was_not_enough_says_how_many_more_would_have_been(local: Local) -> None:
    document = await explained(local, "jane-20:prompt:violence")
    (trace,) = document["replay"]["traces"]
    assert (document["kind"], trace["signals"], trace["counterfactual"]) == ("event", [], None)
    more = {one["level"]: one["more"] for one in trace["needed"] if one["path"].startswith("P(")}
    assert 1 <= more["review"] <= more["restrict"] <= more["block"]


async def test_sentences_name_the_bound_and_what_would_have_been_silent(local: Local) -> None:
    signal = (await local.sql("SELECT id FROM signals ORDER BY at DESC LIMIT 1"))[0]["id"]
    code, out, err = await watchfloor(local, "explain", signal, "--policy", str(POLICY))
    assert code == 0, err
    assert "block: P(block rate > 0.02) = " in out
    assert "would not have been reached" in out


async def test_nobody_explains_what_another_tenant_did(local: Local) -> None:
    signal = (await local.sql("SELECT id FROM signals LIMIT 1"))[0]["id"]
    for name in (signal, "jane-20:prompt:violence"):
        code, out, err = await watchfloor(local, "explain", name, caller="stranger")
        assert (code, out) == (1, "")
        assert "nothing of that id is stored" in err
