"""`python -m bench.scale [NAME…]` measures, prints a table per measurement and saves it; `plot` draws what is saved."""

import asyncio
import logging
from typing import Annotated

import typer
from rich.console import Console

from bench.brokers import usual_broker
from bench.errors import BenchError
from bench.scale.errors import ScaleError
from bench.scale.growth import GROWTH
from bench.scale.memory import MEMORY
from bench.scale.measurement import Measurement, Scale

MEASUREMENTS: tuple[Measurement, ...] = (MEMORY, GROWTH)
PLOT = "plot"


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Which; all by default. `plot` draws what is saved.")] = None,
    broker: Annotated[str | None, typer.Option(help="apache, embedded or HOST:PORT.")] = None,
    subjects: Annotated[int, typer.Option(min=1_000, help="Tracked subjects: memory and restart.")] = 1_000_000,
    verdicts: Annotated[int, typer.Option(min=10_000, help="Stored verdicts: rollups.")] = 100_000_000,
    seconds: Annotated[float, typer.Option(min=1, help="Length of a measurement under load.")] = 60,
) -> None:
    """Measure how the parts grow. No figure fails anything."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it retries, and says so once per attempt
    known = {one.name: one for one in MEASUREMENTS}
    wanted = names or [*known, PLOT]
    if unknown := [name for name in wanted if name not in known and name != PLOT]:
        raise typer.BadParameter(f"{', '.join(unknown)}: none of {', '.join((*known, PLOT))}")
    scale = Scale(broker or usual_broker(), subjects, verdicts, seconds)
    try:
        for name in wanted:
            if name == PLOT:
                pass
            else:
                _measure(known[name], scale)
    except (BenchError, ScaleError) as error:
        Console(stderr=True).print(f"bench.scale: {error}", markup=False)
        raise typer.Exit(1) from None


def _measure(one: Measurement, scale: Scale) -> None:
    results = asyncio.run(one.run(scale))
    Console(width=160).print(results.table())
    Console(stderr=True).print(f"saved in {results.save()}", markup=False)


if __name__ == "__main__":
    typer.run(main)
