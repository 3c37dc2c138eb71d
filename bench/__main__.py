"""`python -m bench`: measures every contender in turn and prints one table; progress goes to stderr."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console

from bench.brokers import open_broker, usual_broker
from bench.contender import Contender, Site
from bench.environment import python_of
from bench.errors import BenchError, Unavailable
from bench.floors import FromBroker, InMemory
from bench.measured import Measured
from bench.peer import Peer
from bench.processes import Processes
from bench.roles import archiver, on_a_core, prepare_clickhouse, second_worker, worker
from bench.rounds import Plan, run_rounds
from bench.table import results
from bench.workload import Workload

IDIOMATIC_FAUST = "Faust, idiomatic"
"""What the ratios are to."""

CONTENDERS: tuple[Contender, ...] = (
    InMemory("lane, in memory", "apply"),
    InMemory("lane and its flushes, in memory", "apply-and-drain"),
    FromBroker("aiokafka getmany", "fetch"),
    FromBroker("aiokafka getmany and decoder", "decode"),
    FromBroker("aiokafka getmany, msgspec and dicts", "count"),
    Peer("confluent-kafka consume", "confluent", "fetch", reports=False),
    Peer("confluent-kafka consume, msgspec and dicts", "confluent", "count"),
    Processes("worker", (worker,)),
    Processes("worker, two processes", (worker, second_worker)),
    Processes("worker, two processes, a core each", (on_a_core(worker, 0), on_a_core(second_worker, 1))),
    Processes("archiver", (archiver,)),
    Processes("worker and archiver", (worker, archiver)),
    Peer(IDIOMATIC_FAUST, "faust", "keyed", most_events=100_000),
    Peer("Faust, RocksDB", "faust", "rocksdb", most_events=50_000),
    Peer("Faust, regrouped by series", "faust", "grouped", most_events=50_000),
    Peer("Quix Streams, grouped", "quix", "grouped"),
    Peer("Quix Streams, keyed: subjects only", "quix", "keyed"),
    Peer("Bytewax", "bytewax", "windowed"),
    Peer("Pathway", "pathway", "grouped"),
    Peer("ClickHouse, Kafka engine", "clickhouse", "views"),
)

_AGE = timedelta(hours=2)


def main(
    events: Annotated[int, typer.Option(min=100, help="Events per run.")] = 200_000,
    broker: Annotated[str | None, typer.Option(help="apache, embedded or HOST:PORT.")] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Runs of each contender; the medians are shown.")] = 3,
    minutes: Annotated[float, typer.Option(help="Start no repetition that would end after this time.")] = 3,
    only: Annotated[str, typer.Option(help="Only contenders whose name contains this.")] = "",
) -> None:
    """Measure throughput, CPU and memory of worker and archiver, of the floors below them, and of other engines."""
    contenders = [one for one in CONTENDERS if only in one.name]
    try:
        asyncio.run(_install(contenders))
        plan = Plan(repeat, monotonic() + minutes * 60, monotonic)
        correct = asyncio.run(_bench(contenders, plan, which=broker or usual_broker(), events=events))
    except BenchError as error:
        Console(stderr=True).print(f"bench: {error}", markup=False)
        raise typer.Exit(1) from None
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None
    raise typer.Exit(0 if correct else 1)


async def _install(contenders: Sequence[Contender]) -> None:
    """Bring the peers' packages before the time runs; who cannot be had says so when it is its turn."""
    for script in sorted({one.script for one in contenders if isinstance(one, Peer)}):
        with suppress(Unavailable):
            await python_of(script)


async def _bench(contenders: Sequence[Contender], plan: Plan, *, which: str, events: int) -> bool:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it retries, and says so once per attempt
    progress = Console(stderr=True, soft_wrap=True)
    _end_in_order_on_sigterm()
    with TemporaryDirectory(prefix="watchfloor-bench-") as name:
        folder = Path(name)
        async with open_broker(which, folder) as broker:
            start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - _AGE  # noqa: TID251  the shell's clock
            site = Site(broker.settings, Workload(events, start), folder, await prepare_clickhouse(folder))
            runs = await run_rounds(contenders, site, plan, on_run=_teller(progress))
    table = results(runs, broker=broker.name, events=events, baseline=IDIOMATIC_FAUST)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return runs.correct


def _end_in_order_on_sigterm() -> None:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _teller(console: Console) -> Callable[[str, Measured | BenchError], None]:
    def tell(name: str, one: Measured | BenchError) -> None:
        if isinstance(one, BenchError):
            console.print(f"{name:<42} {one}", highlight=False, markup=False)
            return
        rate, cost = one.events_per_second, one.cpu_seconds_per_million
        console.print(f"{name:<42} {rate:>9,.0f} events/s {cost:>6.1f} CPU s per million  {one.check}", highlight=False)

    return tell


if __name__ == "__main__":
    typer.run(main)
