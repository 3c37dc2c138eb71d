"""Finds what an id stands for, and gathers what can be said about it; how it is worded is explain_words.py's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from alerts.decision import Held
from alerts.explain import explain_held
from policy import LoadedPolicy
from watchfloor.client import Client
from watchfloor.errors import CommandError
from watchfloor.explain_replay import Replay, Replayer

_SIGNAL = "SELECT *, toUnixTimestamp64Milli(at) AS at_ms FROM signals WHERE id = {id:String} LIMIT 1"
_HELD = "SELECT detail FROM ledger WHERE about = {id:String} AND kind = 'held' LIMIT 1"
_EVENT = """
SELECT DISTINCT tenant, subject, at_ms, kind FROM (
    SELECT tenant, subject, toUnixTimestamp64Milli(at) AS at_ms, 'verdicts' AS kind, event_id FROM filter_verdicts
    UNION ALL
    SELECT tenant, subject, toUnixTimestamp64Milli(at) AS at_ms, 'requests' AS kind, event_id FROM request_logs
    UNION ALL
    SELECT tenant, subject, toUnixTimestamp64Milli(at) AS at_ms, 'feedback' AS kind, event_id FROM user_feedback
    UNION ALL
    SELECT tenant, subject, toUnixTimestamp64Milli(at) AS at_ms, 'notices' AS kind, event_id FROM provider_notices
)
WHERE event_id = {id:String} AND ({tenant:String} = '' OR tenant = {tenant:String}) LIMIT 2
"""
Kind = Literal["event", "signal", "decision", "held"]


class NotKept(CommandError):
    """Nothing of that id is stored, or the token may not see it."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what}: nothing of that id is stored, or this token may not see it")


class Ambiguous(CommandError):
    """Several tenants have an event of that id."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what}: several tenants have an event of that id; name one with --tenant")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that can be said about one id."""

    id: str
    kind: Kind
    told: str
    """What the installation itself says; empty for events."""
    policy: str
    """The version that was replayed."""
    in_force: str
    """The version that it was concluded under; empty for events."""
    signal: Mapping[str, Any] | None
    """The signal's row; none for events."""
    replay: Replay


async def explain(client: Client, name: str, *, policy: LoadedPolicy, tenant: str = "") -> Explanation:
    """What an event, signal, decision or held measure stands on. Raises NotKept, Ambiguous and Refused."""
    kind, signal_id, told = await _found(client, name)
    replayer = Replayer(client, policy)
    if kind == "event":
        row = await _one(client, _EVENT, name, tenant)
        return Explanation(name, kind, "", policy.version, "", None, await replayer.event(row, name))
    row = await _one(client, _SIGNAL, signal_id)
    told = told or str(row["words"])
    return Explanation(name, kind, told, policy.version, row["policy_version"], row, await replayer.signal(row))


async def _found(client: Client, name: str) -> tuple[Kind, str, str]:
    """Its kind, the signal behind it, and what the installation says of it."""
    if name.startswith("dec_"):
        answer = await client.get(f"/v1/decisions/{name}")
        return "decision", answer["decision"]["signal_id"], answer["plain_words"]
    if name.startswith("held_"):
        held = Held.model_validate_json((await _one(client, _HELD, name))["detail"])
        return "held", held.signal_id, explain_held(held)
    return ("signal", name, "") if name.startswith("sig_") else ("event", "", "")


async def _one(client: Client, query: str, name: str, tenant: str = "") -> dict[str, Any]:
    rows = await client.sql(query, {"param_id": name, "param_tenant": tenant})
    if not rows:
        raise NotKept(name)
    if len(rows) > 1:
        raise Ambiguous(name)
    return rows[0]
