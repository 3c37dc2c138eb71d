"""The command `explain`: why something was concluded, or how far it was from being so."""

import asyncio
from typing import Annotated

import msgspec
import typer

from policy import LoadedPolicy, load_policy
from streams.settings import WorkerSettings
from watchfloor.client import Client
from watchfloor.explain import Explanation, explain
from watchfloor.explain_words import document, lines
from watchfloor.place import DEFAULT, Target, target
from watchfloor.shell import settings_of, told_plainly
from watchfloor.traffic_commands import Data, TokenFile, Url


def explain_command(
    what: Annotated[str, typer.Argument(help="Id of a decision, a signal, something held, or an event.")],
    policy: Annotated[
        str | None, typer.Option(help="Policy to replay with; by default that of WATCHFLOOR_WORKER_POLICY.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose event, where several tenants have one of that id.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of sentences.")] = False,
    data: Data = DEFAULT,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Say why, or how far from it: every level with its bound, and without which events it would not have been."""
    with told_plainly():
        goal = target(data, url, token_file)
        loaded = load_policy(policy or settings_of(WorkerSettings).policy)
        found = asyncio.run(_explain(what, goal, policy=loaded, tenant=tenant or ""))
        if json:
            typer.echo(msgspec.json.encode(document(found)).decode())
        else:
            typer.echo("\n".join(lines(found)))


async def _explain(what: str, goal: Target, *, policy: LoadedPolicy, tenant: str) -> Explanation:
    async with Client.connected(goal) as client:
        return await explain(client, what, policy=policy, tenant=tenant)
