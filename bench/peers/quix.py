"""Quix Streams as its documentation teaches: keyed state, group_by and tumbling windows; its defaults otherwise."""

from datetime import datetime, timedelta
from typing import Any

from quixstreams import Application, State
from quixstreams.dataframe.windows.aggregations import Count, Sum

from bench.peers.place import Place, Progress
from bench.peers.task import FLAGGED, TRIGGER, series_of

_SESSION_MS = 300_000
"""Longer than any pause of the benchmark."""
_LATENESS = timedelta(minutes=10)


def main() -> None:
    """Run the application until stopped."""
    place = Place.from_arguments()
    app = Application(
        broker_address=place.bootstrap,
        consumer_group=place.group,
        auto_offset_reset="earliest",
        state_dir=place.folder / "state",
        consumer_extra_config={"session.timeout.ms": _SESSION_MS, "max.poll.interval.ms": _SESSION_MS},
    )
    topic = app.topic(place.topic, key_deserializer="str", value_deserializer="json", timestamp_extractor=_event_time)
    verdicts = app.dataframe(topic)
    progress = Progress(place.folder, branches=2 if place.mode == "grouped" else 1)
    _count_subjects(verdicts, progress)
    if place.mode == "grouped":
        _count_series(verdicts, progress)
    app.run()


def _event_time(value: Any, headers: Any, timestamp: float, timestamp_type: Any) -> int:
    del headers, timestamp, timestamp_type
    return int(datetime.fromisoformat(value["at"]).timestamp() * 1000)


def _count_subjects(verdicts: Any, progress: Progress) -> None:
    def count(verdict: dict[str, Any], state: State) -> int:
        counts = state.get("counts", [0, 0])
        blocked = verdict["state"] == "blocked"
        state.set("counts", [counts[0] + 1, counts[1] + blocked])
        progress.add()
        return counts[1] + 1 if blocked else 0

    def report(_: int, key: str, timestamp: int, headers: Any) -> None:
        del timestamp, headers
        progress.trigger([key])

    blocked = verdicts.apply(count, stateful=True)
    blocked[blocked.apply(lambda count: count == TRIGGER)].update(report, metadata=True)


def _count_series(verdicts: Any, progress: Progress) -> None:
    lines = verdicts.apply(lambda verdict: {"series": series_of(verdict), "flagged": int(verdict["state"] in FLAGGED)})
    grouped = lines.group_by("series").update(lambda _: progress.add(branch=1))
    windows = grouped.tumbling_window(timedelta(minutes=1), grace_ms=_LATENESS)
    windows.agg(evaluated=Count(), flagged=Sum("flagged")).final(closing_strategy="partition")


if __name__ == "__main__":
    main()
