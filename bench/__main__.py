"""`python -m bench`: measures every contender in turn and prints one table; progress goes to stderr."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console

from bench.brokers import open_broker, usual_broker
from bench.contender import Contender, Site
from bench.errors import BenchError
from bench.floors import FromBroker, InMemory
from bench.measured import Measured, Median
from bench.processes import Processes
from bench.roles import archiver, prepare_clickhouse, worker
from bench.rounds import Plan, run_rounds
from bench.table import results
from bench.workload import Workload

CONTENDERS: tuple[Contender, ...] = (
    InMemory("lane, in memory", "apply"),
    InMemory("lane and its flushes, in memory", "apply-and-drain"),
    FromBroker("aiokafka getmany", "fetch"),
    FromBroker("aiokafka getmany and decoder", "decode"),
    Processes("worker", (worker,)),
    Processes("archiver", (archiver,)),
    Processes("worker and archiver", (worker, archiver)),
)

_AGE = timedelta(hours=2)


def main(
    events: Annotated[int, typer.Option(min=100, help="Events per run.")] = 200_000,
    broker: Annotated[str | None, typer.Option(help="apache, embedded or HOST:PORT.")] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Runs of each contender; the medians are shown.")] = 3,
    minutes: Annotated[float, typer.Option(help="Start no repetition that would end after this time.")] = 3,
    only: Annotated[str, typer.Option(help="Only contenders whose name contains this.")] = "",
) -> None:
    """Measure throughput, CPU and memory of worker and archiver, and of the floors below them."""
    contenders = [one for one in CONTENDERS if only in one.name]
    plan = Plan(repeat, monotonic() + minutes * 60, monotonic)
    try:
        correct = asyncio.run(_bench(contenders, plan, which=broker or usual_broker(), events=events))
    except BenchError as error:
        Console(stderr=True).print(f"bench: {error}", markup=False)
        raise typer.Exit(1) from None
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None
    raise typer.Exit(0 if correct else 1)


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
    medians = {name: Median.of(measured) for name, measured in runs.items()}
    Console(width=None if sys.stdout.isatty() else 120).print(results(medians, broker=broker.name, events=events))
    return all(one.correct for measured in runs.values() for one in measured)


def _end_in_order_on_sigterm() -> None:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _teller(console: Console) -> Callable[[str, Measured], None]:
    def tell(name: str, one: Measured) -> None:
        rate, cost = one.events_per_second, one.cpu_seconds_per_million
        console.print(f"{name:<32} {rate:>9,.0f} events/s {cost:>6.1f} CPU s per million  {one.check}", highlight=False)

    return tell


if __name__ == "__main__":
    typer.run(main)
