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
from bench.scale.latency import LATENCY
from bench.scale.lookups import LOOKUPS
from bench.scale.measurement import Measurement, Scale
from bench.scale.memory import MEMORY
from bench.scale.plot import draw
from bench.scale.restart import RESTART
from bench.scale.rollups import ROLLUPS

MEASUREMENTS: tuple[Measurement, ...] = (LATENCY, LOOKUPS, MEMORY, RESTART, ROLLUPS, GROWTH)
PLOT = "plot"


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Which, or `plot`; all by default.")] = None,
    broker: Annotated[str | None, typer.Option(help="apache, embedded or HOST:PORT.")] = None,
    share: Annotated[float, typer.Option(min=0.001, max=1, help="Of a million subjects, 100 million verdicts.")] = 1,
    seconds: Annotated[float, typer.Option(min=1, help="Length of a measurement under load.")] = 60,
    minutes: Annotated[float, typer.Option(help="Store no more verdicts after this time.")] = 30,
) -> None:
    """Measure how the parts grow. No figure fails anything."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it retries, and says so once per attempt
    known = {one.name: one for one in MEASUREMENTS}
    wanted = names or [*known, PLOT]
    if unknown := [name for name in wanted if name not in known and name != PLOT]:
        raise typer.BadParameter(f"{', '.join(unknown)}: none of {', '.join((*known, PLOT))}")
    scale = Scale(broker or usual_broker(), seconds=seconds, minutes=minutes).sized(share)
    try:
        for name in wanted:
            if name == PLOT:
                for path in draw():
                    Console(stderr=True).print(f"drawn: {path}", markup=False)
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
