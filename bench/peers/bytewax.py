"""Bytewax as its documentation teaches: keyed state and event-time windows; without its optional recovery store."""

from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
import orjson
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.run import cli_main

from bench.peers.place import Place, Progress
from bench.peers.task import FLAGGED, TRIGGER, series_of, subject_of

_LATENESS = timedelta(minutes=10)
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_BATCH = 5_000

Counts = list[int]


class Triggers(DynamicSink[str]):
    """Reports subjects."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def build(self, step_id: str, worker_index: int, worker_count: int) -> StatelessSinkPartition[str]:
        """One per worker."""
        del step_id, worker_index, worker_count
        return _Written(self._progress)


class _Written(StatelessSinkPartition[str]):
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def write_batch(self, items: list[str]) -> None:
        self._progress.trigger(items)


def main() -> None:
    """Run the flow until stopped."""
    place = Place.from_arguments()
    progress = Progress(place.folder, branches=2)
    flow = Dataflow("verdicts")
    read = kop.input("read", flow, brokers=[place.bootstrap], topics=[place.topic], batch_size=_BATCH)
    verdicts = op.map("decode", read.oks, lambda message: orjson.loads(message.value))
    op.output("triggers", _subjects(verdicts, progress), Triggers(progress))
    op.output("series", _series(verdicts, progress), Triggers(progress))
    cli_main(flow)


def _subjects(verdicts: Any, progress: Progress) -> Any:
    def count(counts: Counts | None, verdict: dict[str, Any]) -> tuple[Counts, list[str]]:
        counts = counts or [0, 0]
        counts[0] += 1
        progress.add(branch=0)
        if verdict["state"] != "blocked":
            return counts, []
        counts[1] += 1
        return counts, [subject_of(verdict)] if counts[1] == TRIGGER else []

    keyed = op.key_on("by subject", verdicts, subject_of)
    return op.map("subject", op.stateful_flat_map("subjects", keyed, count), lambda item: item[1])


def _series(verdicts: Any, progress: Progress) -> Any:
    def add(counts: Counts, verdict: dict[str, Any]) -> Counts:
        counts[0] += 1
        counts[1] += verdict["state"] in FLAGGED
        progress.add(branch=1)
        return counts

    def merge(one: Counts, other: Counts) -> Counts:
        return [one[0] + other[0], one[1] + other[1]]

    clock = win.EventClock(lambda verdict: datetime.fromisoformat(verdict["at"]), wait_for_system_duration=_LATENESS)
    minutes = win.TumblingWindower(length=timedelta(minutes=1), align_to=_EPOCH)
    keyed = op.key_on("by series", verdicts, series_of)
    # Windows merge only in sessions, but the operator asks for the function.
    windows = win.fold_window("minutes", keyed, clock, minutes, lambda: [0, 0], add, merge, ordered=False)
    return op.flat_map("closed", windows.down, lambda _: [])


if __name__ == "__main__":
    main()
