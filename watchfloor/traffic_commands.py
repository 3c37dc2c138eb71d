"""Commands about labelled traffic: `simulate` renders it, `send` posts it, `score` says what was found of it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from events.pseudonym import Pseudonymiser, load_keys
from traffic.arrivals import Arrivals
from traffic.item import Item
from traffic.pace import paced
from traffic.scenario import Scenario
from traffic.score import Decided, Raised, Score, score
from traffic.scoreboard import render
from traffic.simulate import simulate
from traffic.tally import minute_counts, truth_of
from traffic.truth import Truth, read_truth, write_truth
from watchfloor.client import Client
from watchfloor.errors import Unfulfilled
from watchfloor.place import DEFAULT, Place, Target, target
from watchfloor.shell import now, told_plainly

Data = Annotated[Path, typer.Option("--data", help="Folder of the local installation.")]
Url = Annotated[str | None, typer.Option(help="API to talk to; by default the one running in --data.")]
TokenFile = Annotated[Path | None, typer.Option(help="File with the bearer token.")]

_stderr = Console(stderr=True)
_CHUNK = 500
_LIVE_CHUNK = 250


def progress(unit: str) -> Progress:
    """A progress bar on stderr; silent where stderr is no terminal."""
    columns = (SpinnerColumn(), TextColumn(unit), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=_stderr, disable=not _stderr.is_terminal, transient=True)


def simulate_command(
    users: Annotated[int, typer.Option(help="Users, offenders included.")] = 2_000,
    hours: Annotated[int, typer.Option(help="Length in event time.")] = 24,
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = 1,
    start: Annotated[datetime | None, typer.Option(help="First hour, UTC; by default so that it ends now.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Write here what was planted.")] = None,
    counts: Annotated[Path | None, typer.Option(help="Write here the verdicts per minute, as NDJSON.")] = None,
    arrivals: Annotated[Path | None, typer.Option(help="CSV whose arrival shape and token counts to follow.")] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Release the past fast and the rest when its time comes.")
    ] = False,
) -> None:
    """Write labelled traffic in Azure's wire format to stdout, one request a line."""
    with told_plainly():
        scenario = Scenario(
            seed=seed,
            start=_utc(start) if start else _whole_hour(now()) - timedelta(hours=hours),
            users=users,
            hours=hours,
            arrivals=Arrivals.load(arrivals) if arrivals else None,
        )
        if truth:
            truth.write_bytes(write_truth(truth_of(scenario)))
        if counts:
            _write_counts(scenario, counts)
        items = simulate(scenario)
        if live:
            asyncio.run(_write_live(items, sys.stdout.buffer))
        else:
            _write(items, sys.stdout.buffer)


def _write_counts(scenario: Scenario, path: Path) -> None:
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        file.writelines(encoder.encode(one) + b"\n" for one in minute_counts(scenario))


def _write(items: Iterable[Item], out: BinaryIO) -> None:
    for item in items:
        out.write(item.line + b"\n")
    out.flush()


async def _write_live(items: Iterable[Item], out: BinaryIO) -> None:
    last = None
    async for item in paced(items, clock=now, sleep=asyncio.sleep):
        out.write(item.line + b"\n")
        if last is None or item.at >= last:
            out.flush()
        last = now()


def send_command(
    source: Annotated[str, typer.Argument(help="NDJSON file, or - for stdin.")],
    wire_format: Annotated[str, typer.Option("--format", help="Wire format of the items.")] = "azure-openai-chat",
    data: Data = DEFAULT,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Post items to the API in their order. Exit code 1 when any was rejected."""
    with told_plainly():
        goal = target(data, url, token_file)
        accepted, rejected = asyncio.run(_send(source, wire_format, goal))
        typer.echo(f"{accepted} accepted, {rejected} rejected", err=True)
        if rejected:
            raise Unfulfilled(f"{rejected} items were rejected")


async def _send(source: str, wire_format: str, goal: Target) -> tuple[int, int]:
    accepted = rejected = 0
    async with Client.connected(goal) as client:
        with progress("items sent") as bar:
            task = bar.add_task("", total=None)
            async for chunk in _chunks(source):
                report = await client.ingest(wire_format, b"".join(chunk))
                accepted += report["accepted"]
                rejected += report["rejected"]
                bar.update(task, completed=accepted + rejected)
    return accepted, rejected


async def _chunks(source: str) -> AsyncIterator[list[bytes]]:
    """Lines in chunks; a slow source is sent as it comes."""
    if source != "-":
        file = await asyncio.to_thread(Path(source).open, "rb")
        with file:
            for chunk in _full(file):
                yield chunk
        return
    reader = asyncio.StreamReader(limit=16 << 20)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin.buffer)
    while line := await reader.readline():
        chunk = [line]
        while len(chunk) < _CHUNK:
            try:
                line = await asyncio.wait_for(reader.readline(), 0.05)
            except TimeoutError:
                break
            if not line:
                break
            chunk.append(line)
        yield chunk


def _full(file: BinaryIO) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for line in file:
        chunk.append(line)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def demo_traffic_command(
    users: Annotated[int, typer.Option()],
    start: Annotated[datetime, typer.Option()],
    hours: Annotated[int, typer.Option()],
    seed: Annotated[int, typer.Option()],
    data: Data = DEFAULT,
) -> None:
    """Send a labelled run to the local API at once, and then one like it, every item when its time comes."""
    with told_plainly():
        past = Scenario(seed=seed, start=_utc(start), users=users, hours=hours)
        live = Scenario(seed=seed + 1, start=past.end, users=users, hours=hours)
        Place(data).truth.write_bytes(write_truth(truth_of(past)))
        asyncio.run(_send_live(chain(simulate(past), simulate(live)), target(data, None, None)))


async def _send_live(items: Iterable[Item], goal: Target) -> None:
    begun, chunk = now(), list[bytes]()
    async with Client.connected(goal) as client:
        async for item in paced(items, clock=now, sleep=asyncio.sleep):
            chunk.append(item.line + b"\n")
            if len(chunk) >= _LIVE_CHUNK or item.at > begun:
                await client.ingest("azure-openai-chat", b"".join(chunk))
                chunk.clear()


def score_command(
    truth: Annotated[Path, typer.Argument(help="What `simulate --truth` wrote.")],
    keys: Annotated[Path | None, typer.Option(help="Pseudonym keys; by default those of --data.")] = None,
    data: Data = DEFAULT,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Compare what was planted with what was decided. Exit code 1 when somebody was missed or wronged."""
    with told_plainly():
        goal = target(data, url, token_file)
        pseudonymiser = Pseudonymiser(load_keys(keys or Place(data).keys))
        result = asyncio.run(_score(read_truth(truth.read_bytes()), goal, pseudonymiser))
        typer.echo(render(result))
        if not result.passed:
            raise Unfulfilled("the bar was not reached")


async def _score(truth: Truth, goal: Target, pseudonymiser: Pseudonymiser) -> Score:
    async with Client.connected(goal) as client:
        decisions = await client.sql("SELECT detail FROM ledger WHERE kind = 'decision' ORDER BY at LIMIT 100000")
        incidents = await client.sql(
            "SELECT argMax(detail, at) AS detail FROM ledger WHERE kind LIKE 'incident%' GROUP BY about LIMIT 100000"
        )
    return score(
        truth,
        [_decided(msgspec.json.decode(row["detail"])) for row in decisions],
        [_raised(msgspec.json.decode(row["detail"])) for row in incidents],
        pseudonym=lambda tenant, user: pseudonymiser.pseudonym(tenant, "subject", user),
    )


def _decided(detail: dict[str, Any]) -> Decided:
    return Decided(
        tenant=detail["tenant"],
        subject=detail["subject"],
        measure=detail["measure"],
        at=datetime.fromisoformat(detail["at"]),
        violations=(detail.get("numbers") or {}).get("count"),
    )


def _raised(detail: dict[str, Any]) -> Raised:
    return Raised(
        detector=detail["detector"],
        series=detail["series"],
        opened_at=datetime.fromisoformat(detail["opened_at"]),
        updated_at=datetime.fromisoformat(detail["updated_at"]),
    )


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _whole_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
