"""Faust as its documentation teaches: agents and tables with a changelog; none of this project's batches."""

import sys
from typing import Any

import faust

from bench.peers.place import Place, Progress
from bench.peers.task import FLAGGED, TRIGGER, minute_of


class Verdict(faust.Record):
    """The fields that the task reads."""

    at: str
    tenant: str
    subject: str
    model: str
    provider: str
    provider_category: str
    stage: str
    state: str


def subject_of(verdict: Any) -> str:
    """The table's key."""
    return f"{verdict.tenant}|{verdict.subject}"


def line_of(verdict: Any) -> str:
    """Series and minute: cheaper than Faust's windowed tables, and no window is lost in a rebalance."""
    series = (verdict.tenant, verdict.model, verdict.provider, verdict.provider_category, verdict.stage)
    return "|".join((*series, minute_of(verdict.at)))


def main() -> None:
    """Start the worker as `faust -A … worker -l info` does."""
    place = Place.from_arguments()
    app = faust.App(
        place.group,
        broker=f"kafka://{place.bootstrap}",
        store="rocksdb://" if place.mode == "rocksdb" else "memory://",
        topic_partitions=place.partitions,
        datadir=place.folder / "faust",
        broker_session_timeout=300.0,
        broker_request_timeout=310.0,
    )
    (_grouped if place.mode == "grouped" else _keyed)(app, place)
    sys.argv[1:] = ["worker", "-l", "info", "--without-web"]
    app.main()


def _keyed(app: Any, place: Place) -> None:
    progress = Progress(place.folder, branches=1)
    count_subject, count_line = _subjects(app, progress), _lines(app)

    async def count(verdicts: Any) -> None:
        async for verdict in verdicts:
            count_subject(verdict)
            count_line(verdict)
            progress.add()

    app.agent(app.topic(place.topic, value_type=Verdict))(count)


def _grouped(app: Any, place: Place) -> None:
    progress = Progress(place.folder, branches=2)
    count_subject, count_line = _subjects(app, progress), _lines(app)

    async def count_subjects(verdicts: Any) -> None:
        async for verdict in verdicts:
            count_subject(verdict)
            progress.add(branch=0)

    async def count_lines(verdicts: Any) -> None:
        async for verdict in verdicts.group_by(line_of, name="line"):
            count_line(verdict)
            progress.add(branch=1)

    topic = app.topic(place.topic, value_type=Verdict)
    app.agent(topic)(count_subjects)
    app.agent(topic)(count_lines)


def _subjects(app: Any, progress: Progress) -> Any:
    evaluated, blocked = app.Table("subject_evaluated", default=int), app.Table("subject_blocked", default=int)

    def count(verdict: Any) -> None:
        subject = subject_of(verdict)
        evaluated[subject] += 1
        if verdict.state == "blocked":
            blocked[subject] += 1
            if blocked[subject] == TRIGGER:
                progress.trigger([subject])

    return count


def _lines(app: Any) -> Any:
    evaluated, flagged = app.Table("line_evaluated", default=int), app.Table("line_flagged", default=int)

    def count(verdict: Any) -> None:
        line = line_of(verdict)
        evaluated[line] += 1
        if verdict.state in FLAGGED:
            flagged[line] += 1

    return count


if __name__ == "__main__":
    main()
