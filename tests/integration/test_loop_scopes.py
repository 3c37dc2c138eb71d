"""A policy that judges sessions too: whom it restricts is found by the names that the events came with."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from loop.local import TENANT, Local
from loop.waiting import until

pytestmark = pytest.mark.embedded
NAMES = {"user": "mallory", "session": "chat 7"}
OTHERS = {"user": "chat 7", "session": "mallory", "api_key": "mallory"}
BLOCKED = {
    "error": {
        "code": "content_filter",
        "innererror": {"content_filter_result": {"violence": {"filtered": True, "severity": "high"}}},
    }
}


def two_scopes(folder: Path) -> Path:
    """The demo's policy for users and sessions."""
    document = {
        "extends": "demo",
        "name": "two-scopes",
        "author": "Watchfloor",
        "detectors": {"repeat_offender": {"scopes": ["subject", "session"]}},
    }
    path = folder / "two-scopes.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


def refused(count: int) -> list[dict[str, Any]]:
    """Blocked requests of one user and session, one a minute, the last of them a quarter of an hour ago."""
    end = datetime.now(UTC) - timedelta(minutes=15)  # noqa: TID251  the loop runs on the wall clock
    return [
        {"id": f"r{number}", "at": (end - timedelta(minutes=number)).isoformat(), "tenant": TENANT, "model": "gpt-4.1"}
        | {"body": BLOCKED}
        | NAMES
        for number in reversed(range(count))
    ]


async def test_user_and_session_are_restricted_and_each_is_found_by_its_own_name(tmp_path: Path) -> None:
    async with Local.running(tmp_path / "data", two_scopes(tmp_path)) as local:

        async def standings(names: dict[str, str]) -> list[str]:
            people = {"subjects": [{"tenant": TENANT, id_kind: raw} for id_kind, raw in names.items()]}
            answer = await local.ask("POST", "/v1/enforcement:batch", caller="gateway", json=people)
            return [one["standing"] for one in answer.json()["items"]]

        async def restricted() -> bool:
            return "allowed" not in await standings(NAMES)

        await local.ingest(refused(40))
        await until(restricted, "user and session are restricted", every=0.1)
        assert await standings(OTHERS) == ["allowed"] * 3
        kept = (tmp_path / "data").rglob("*.log")
        assert not any(raw in path.read_text("utf-8") for path in kept for raw in NAMES.values())
