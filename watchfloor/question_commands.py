"""Commands that ask a running installation something: `query`, `books`, `dead-letters`."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.pick import read_one
from traffic.truth import MinuteCount
from watchfloor.client import Client
from watchfloor.errors import Unfulfilled
from watchfloor.place import DEFAULT, Target, target
from watchfloor.reconcile import Reconciliation, reconcile
from watchfloor.rows import Json, show_rows
from watchfloor.shell import settings_of, told_plainly
from watchfloor.traffic_commands import Data, TokenFile, Url

dead_letters = typer.Typer(help="Records that could not be used.", no_args_is_help=True)
_SHOWN = 20


def query_command(
    name: Annotated[str | None, typer.Argument(help="Name of the query; without it, all are listed.")] = None,
    parameters: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE, repeatable.")] = None,
    json: Json = False,
    data: Data = DEFAULT,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Run a named query."""
    with told_plainly():
        given = dict(one.partition("=")[::2] for one in parameters or [])
        path = f"/v1/queries/{name}" if name else "/v1/queries"
        answer = asyncio.run(_get(path, given, data=data, url=url, token_file=token_file))
        show_rows(answer["rows" if name else "items"], as_json=json)


def books_command(json: Json = False, data: Data = DEFAULT, url: Url = None, token_file: TokenFile = None) -> None:
    """The reconciliation per topic and partition. Exit code 1 when something is not accounted for."""
    with told_plainly():
        found = asyncio.run(_sql("SELECT value FROM books ORDER BY key", data, url, token_file))
        rows = [msgspec.json.decode(row["value"]) for row in found]
        show_rows(rows, as_json=json)
        if any(row["read"] != row["applied"] + row["late"] + row["duplicate"] + row["dead"] for row in rows):
            raise Unfulfilled("the books do not balance")


def reconcile_command(
    sent: Annotated[Path, typer.Argument(help="What `simulate --counts` wrote.")],
    data: Data = DEFAULT,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Compare what was sent with raw rows and rollups, per minute and category. Exit code 1 when they differ."""
    with told_plainly():
        found = asyncio.run(_reconcile(_sent(sent), target(data, url, token_file)))
        typer.echo(found.summary())
        for cell, *counts in found.differences[:_SHOWN]:
            typer.echo(f"{' '.join(cell)}: sent, raw, rollup {counts}", err=True)
        if found.differences:
            raise Unfulfilled("ClickHouse does not equal what was sent")


def _sent(path: Path) -> list[MinuteCount]:
    with path.open("rb") as file:
        return [msgspec.json.decode(line, type=MinuteCount) for line in file]


async def _reconcile(sent: list[MinuteCount], goal: Target) -> Reconciliation:
    async with Client.connected(goal) as client:
        return await reconcile(client, sent)


@dead_letters.command("list")
def dead_letters_list(
    limit: Annotated[int, typer.Option(help="At most so many, newest first.")] = 50,
    json: Json = False,
    data: Data = DEFAULT,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """What was set aside, and why."""
    with told_plainly():
        rows = asyncio.run(_sql("SELECT * FROM dead_letters ORDER BY stored_at DESC LIMIT 1000", data, url, token_file))
        show_rows(rows[:limit], as_json=json)


@dead_letters.command("replay")
def dead_letters_replay(
    place: Annotated[list[str], typer.Argument(help="TOPIC/PARTITION/OFFSET of the original record, repeatable.")],
) -> None:
    """Put original records at the end of their topics again, after the cause is fixed. Needs Kafka's settings."""
    with told_plainly():
        typer.echo(f"{asyncio.run(_replay(place))} records sent again")


async def _replay(places: list[str]) -> int:
    kafka = settings_of(KafkaSettings)
    producer = BulkProducer(kafka)
    await producer.start()
    try:
        for place in places:
            topic, partition, offset = place.rsplit("/", 2)
            record = await read_one(kafka, topic, partition=int(partition), offset=int(offset))
            await producer.send([Outgoing(topic, record.key, record.value, int(partition))])
    finally:
        await producer.stop()
    return len(places)


async def _get(path: str, params: dict[str, str], *, data: Path, url: str | None, token_file: Path | None) -> Any:
    async with Client.connected(target(data, url, token_file)) as client:
        return await client.get(path, params)


async def _sql(query: str, data: Path, url: str | None, token_file: Path | None) -> list[dict[str, Any]]:
    async with Client.connected(target(data, url, token_file)) as client:
        return await client.sql(query)
