"""How the lane's throughput grows with events, subjects, series and partitions; a process measures one point."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter

import msgspec

from bench.scale.crowd import Crowd
from bench.scale.lanes import Lanes
from bench.scale.measurement import Measurement, Scale, from_child
from bench.scale.results import Results
from bench.table import machine

_RATE = 5_000
"""Events per second of event time."""
_USUAL = Crowd(200_000, 20_000, datetime(2026, 1, 1, tzinfo=UTC), 200_000 / _RATE, offenders=0.01)
_PARTITIONS = 4
AXES: dict[str, tuple[int, ...]] = {
    "events": (50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000),
    "subjects": (100, 1_000, 10_000, 100_000, 1_000_000),
    "series": (1, 10, 100, 1_000, 10_000),
    "partitions": (1, 4, 16, 64),
}


async def growth(_scale: Scale) -> Results:
    """One axis after the other, the others as usual: 200,000 events, 20,000 subjects, 8 series, 4 partitions.

    Every subject has come once before the clock starts.
    """
    rows = [await from_child("growth", axis, size) for axis, sizes in AXES.items() for size in sizes]
    return Results("growth", "Observe lanes in memory, with their flushes every 5,000 events", machine(), tuple(rows))


def crowd_of(axis: str, size: int) -> Crowd:
    """The usual input, but for one axis."""
    match axis:
        case "events":
            return replace(_USUAL, events=size, seconds=size / _RATE)
        case "subjects":
            return replace(_USUAL, subjects=size)
        case "series":
            return replace(_USUAL, series=size)
        case _:
            return _USUAL


def _measured(axis: str, size: int) -> dict[str, str | int | float]:
    lanes, crowd = Lanes(size if axis == "partitions" else _PARTITIONS), crowd_of(axis, size)
    known = replace(crowd, events=crowd.subjects, start=datetime(2025, 12, 1, tzinfo=UTC), seconds=86_400.0, name="k")
    lanes.feed(known.part(0, known.events))
    before, lanes.cpu_seconds = lanes.applied(), 0.0
    started = perf_counter()
    lanes.feed(crowd.part(0, crowd.events))
    applied = lanes.applied() - before
    return {
        "axis": axis,
        "size": size,
        "events": applied,
        "CPU s per million": lanes.cpu_seconds / applied * 1e6,
        "events per CPU second": applied / lanes.cpu_seconds,
        "seconds, with making them": perf_counter() - started,
    }


GROWTH = Measurement("growth", growth)


def main() -> None:
    """`python -m bench.scale.growth AXIS SIZE` prints one row as JSON."""
    print(msgspec.json.encode(_measured(sys.argv[1], int(sys.argv[2]))).decode())


if __name__ == "__main__":
    main()
