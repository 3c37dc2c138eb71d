"""The command `backtest`: any policy on events of the past, beside the current one; it changes nothing anywhere."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from broker.bulk import Outgoing
from broker.connection import KafkaSettings
from events.formats import format_named
from events.pseudonym import Pseudonymiser, load_keys, new_key
from policy import load_policy
from streams.settings import WorkerSettings
from traffic.score import Score
from traffic.scoreboard import render
from traffic.truth import read_truth
from watchfloor.backtest import Backtest, rows, words
from watchfloor.backtest_source import Between, from_clickhouse, from_file, from_kafka
from watchfloor.errors import Unfulfilled
from watchfloor.place import DEFAULT, Place, target
from watchfloor.shell import settings_of, told_plainly
from watchfloor.traffic_commands import Data, TokenFile, Url, progress

_LISTED = 20
KAFKA, CLICKHOUSE = "kafka:", "clickhouse:"


def backtest_command(
    policy: Annotated[str, typer.Argument(help="The candidate: policy file, or the name of a shipped pack.")],
    source: Annotated[str, typer.Argument(help="NDJSON file, `kafka:` or `clickhouse:`.")],
    against: Annotated[
        str | None, typer.Option(help="The policy to compare with; by default that of WATCHFLOOR_WORKER_POLICY.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", help="First moment, UTC: of arrival in Kafka, of the event elsewhere.")
    ] = None,
    until: Annotated[datetime | None, typer.Option("--to", help="First moment that no longer counts, UTC.")] = None,
    wire_format: Annotated[str, typer.Option("--format", help="Wire format of a file's items.")] = "azure-openai-chat",
    keys: Annotated[
        Path | None, typer.Option(help="Pseudonym keys for a file or --truth; by default those of --data.")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="What `simulate --truth` wrote: adds precision, recall.")] = None,
    partitions: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="Partitions; by default WATCHFLOOR_KAFKA_PARTITIONS."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
    data: Data = DEFAULT,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Rehearse a policy on past events: who would have been restricted, how many pages, beside the current policy."""
    with told_plainly():
        kafka = settings_of(KafkaSettings)
        candidate, current = load_policy(policy), load_policy(against or settings_of(WorkerSettings).policy)
        planted = read_truth(truth.read_bytes()) if truth else None
        between, names = Between(_utc(since), _utc(until)), _pseudonymiser(keys, data)
        backtest = Backtest(candidate, current, partitions=partitions or kafka.partitions)
        if source == KAFKA:
            events = from_kafka(kafka, between)
        elif source == CLICKHOUSE:
            events = from_clickhouse(target(data, url, token_file), between)
        else:
            events = from_file(Path(source), between, form=format_named(wire_format), pseudonymiser=names)
        asyncio.run(_rehearse(backtest, events))
        if not backtest.events["read"]:
            raise Unfulfilled(f"{source} holds no events in that time")
        scores = [side.score(planted, names) for side in (backtest.candidate, backtest.current)] if planted else []
        if json:
            document = backtest.document() | ({"score": _scored(scores)} if scores else {})
            typer.echo(msgspec.json.encode(document).decode())
            return
        _show(backtest)
        for side, score in zip((backtest.candidate, backtest.current), scores, strict=False):
            typer.echo(f"\n{side.policy.policy.name} ({side.policy.version})\n{render(score)}")


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _pseudonymiser(keys: Path | None, data: Path) -> Pseudonymiser:
    path = keys or Place(data).keys
    if keys is None and not path.exists():
        return Pseudonymiser({"k1": bytes.fromhex(new_key())})  # nobody has seen these subjects before
    return Pseudonymiser(load_keys(path))


async def _rehearse(backtest: Backtest, events: AsyncIterator[list[Outgoing]]) -> None:
    with progress("events rehearsed") as bar:
        task = bar.add_task("", total=None)
        async for batch in events:
            backtest.feed(batch)
            bar.advance(task, len(batch))


def _scored(scores: list[Score]) -> dict[str, dict[str, float | None]]:
    return {
        name: {
            "precision": score.precision,
            "loud_recall": score.loud_recall,
            "benign_restricted_share": score.benign.restricted_share,
        }
        for name, score in zip(("candidate", "current"), scores, strict=True)
    }


def _show(backtest: Backtest) -> None:
    sides = (backtest.candidate, backtest.current)
    names = (f"{role}: {side.policy.policy.name}" for role, side in zip(("candidate", "current"), sides, strict=True))
    table = Table("", *names, "per 1,000 subjects")
    table.columns[0].no_wrap = True
    for what, *counts in rows(backtest):
        table.add_row(
            what,
            *(f"{count:,}" for count in counts),
            " / ".join(f"{backtest.per_thousand(count):.1f}" for count in counts),
        )
    Console().print(table)
    for line in words(backtest, listed=_LISTED):
        typer.echo(line)
    events = ", ".join(f"{count:,} {outcome}" for outcome, count in backtest.events.items())
    typer.echo(f"events: {events}; {backtest.subjects:,} subjects; {backtest.speed:,.0f} events/s per policy", err=True)
