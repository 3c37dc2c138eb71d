"""Memory per tracked subject in the observe lanes; as a process it measures one size and prints it."""

import gc
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bench.scale.crowd import Crowd
from bench.scale.lanes import Lanes
from bench.scale.measurement import Measurement, Scale, from_child
from bench.scale.results import Results
from bench.table import machine
from events.topics import FILTER_VERDICTS, REQUEST_LOGS
from streams.detectors.offender_state import REMEMBERED_REQUESTS

_DAYS = 30
"""Event time of the input: so slow that the ids of recent events, which grow with the rate, are next to nothing."""
_START = datetime(2026, 1, 1, tzinfo=UTC)
_PAGE = os.sysconf("SC_PAGE_SIZE")
KINDS = {"clean": 0.0, "1 % offenders": 0.01, "clean, with request logs": 0.0, "ids of events": 0.0}


async def memory(scale: Scale) -> Results:
    """Every kind of subject, at three sizes."""
    rows = [await from_child("memory", subjects, kind) for kind in KINDS for subjects in scale.steps(scale.subjects)]
    return Results("memory", "Memory of the observe lanes, 4 partitions", machine(), tuple(rows))


def _measured(subjects: int, kind: str) -> dict[str, str | int | float]:
    lanes = Lanes()
    crowd = _crowd(subjects, kind)
    lanes.feed(crowd.part(0, 1))
    before = _resident()
    lanes.feed(crowd.part(1, crowd.events))
    if kind.endswith("request logs"):
        lanes.feed((crowd.request(number) for number in range(crowd.events)), topic=REQUEST_LOGS.name)
    gc.collect()
    taken = _resident() - before
    return {
        "kept": kind,
        "subjects": subjects,
        "requests each": crowd.events // subjects,
        "applied": lanes.applied(FILTER_VERDICTS.name) + lanes.applied(REQUEST_LOGS.name),
        "MB": taken / 1e6,
        "bytes per subject": taken / subjects,
        "process MB": _resident() / 1e6,
    }


def _crowd(subjects: int, kind: str) -> Crowd:
    seconds = timedelta(days=_DAYS).total_seconds()
    if kind == "ids of events":
        return Crowd(subjects, 1_000, _START, 60.0)
    return Crowd(subjects * REMEMBERED_REQUESTS, subjects, _START, seconds, KINDS[kind])


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE


MEMORY = Measurement("memory", memory)


def main() -> None:
    """`python -m bench.scale.memory SUBJECTS KIND` prints one row as JSON."""
    print(msgspec.json.encode(_measured(int(sys.argv[1]), sys.argv[2])).decode())


if __name__ == "__main__":
    main()
