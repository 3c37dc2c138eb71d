"""Pathway as its documentation teaches: a Kafka connector, groupby and reduce, a subscription; without persistence."""

from collections.abc import Callable
from typing import Any

import pathway as pw

from bench.peers.place import Place, Progress
from bench.peers.task import SERIES, TRIGGER

_COMMIT_MS = 500
"""How often what was read goes into the graph; 1,500 by default."""
_MINUTE = len("2026-01-01T12:34")


class Verdict(pw.Schema):
    """The fields that the task reads."""

    at: str
    tenant: str
    subject: str
    model: str
    provider: str
    provider_category: str
    stage: str
    state: str


def main() -> None:
    """Run the graph until stopped."""
    place = Place.from_arguments()
    progress = Progress(place.folder, branches=2)
    verdicts = pw.io.kafka.read(
        {
            "bootstrap.servers": place.bootstrap,
            "group.id": place.group,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": "300000",
        },
        topic=place.topic,
        format="json",
        schema=Verdict,
        autocommit_duration_ms=_COMMIT_MS,
    )
    subjects, series = _subjects(verdicts), _series(verdicts)
    reported = subjects.filter(pw.this.marked >= TRIGGER).select(pw.this.subject)
    pw.io.subscribe(reported, on_change=_report(progress))
    for branch, table in enumerate((subjects, series)):
        total = table.reduce(evaluated=pw.reducers.sum(pw.this.evaluated), marked=pw.reducers.sum(pw.this.marked))
        pw.io.subscribe(total, on_change=_advance(progress, branch))
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


def _subjects(verdicts: Any) -> Any:
    blocked = pw.if_else(pw.this.state == "blocked", 1, 0)
    return _counts(verdicts.select(subject=_joined("tenant", "subject"), marked=blocked), "subject")


def _series(verdicts: Any) -> Any:
    line = _joined(*SERIES) + "|" + pw.this.at.str.slice(0, _MINUTE)
    flagged = pw.if_else(pw.this.state == "clean", 0, 1)
    return _counts(verdicts.select(line=line, marked=flagged), "line")


def _joined(first: str, *others: str) -> Any:
    joined = pw.this[first]
    for name in others:
        joined = joined + "|" + pw.this[name]
    return joined


def _counts(rows: Any, key: str) -> Any:
    """Evaluated rows and marked ones per key; one key of text is faster here than several columns."""
    return rows.groupby(pw.this[key]).reduce(
        pw.this[key], evaluated=pw.reducers.count(), marked=pw.reducers.sum(pw.this.marked)
    )


def _report(progress: Progress) -> Callable[..., None]:
    def report(*, row: dict[str, str], is_addition: bool, **_: Any) -> None:
        if is_addition:
            progress.trigger([row["subject"]])

    return report


def _advance(progress: Progress, branch: int) -> Callable[..., None]:
    def advance(*, row: dict[str, int], is_addition: bool, **_: Any) -> None:
        if is_addition:
            progress.set(row["evaluated"], branch)

    return advance


if __name__ == "__main__":
    main()
