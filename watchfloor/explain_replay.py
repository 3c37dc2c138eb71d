"""Replays what lies behind a finding, from the rows of ClickHouse that the token may see; it says nothing in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.signal import Scope
from events import Event, FilterVerdict, ProviderNotice, RequestLog, ScoreKey, SeriesKey, UserFeedback
from events.decoder import Decoder
from events.keys import EVERYTHING
from events.topics import FILTER_VERDICTS, PROVIDER_NOTICES, REQUEST_LOGS, USER_FEEDBACK, Topic
from policy import LoadedPolicy
from policy.rule_fields import On
from streams.detectors.category_spike import CategorySpike, StepCount
from streams.detectors.groundedness_drift import Score
from streams.probes import Fewer, Suspect, drift_probe, fewer, spike_detectors, suspects, watched
from streams.trace import Counterfactual, Course, Trace, trace, without
from watchfloor.archived import pages, partitions_with, table_of
from watchfloor.client import Client

MOST_EVENTS = 100_000
"""Events replayed at most: the newest."""
_BOUND = "toUnixTimestamp64Milli(at) <= {until:Int64}"
_WHOSE = {
    scope: f"tenant = {{tenant:String}} AND {scope} = {{name:String}} AND {_BOUND}" for scope in ("subject", "session")
}
_OLDEST = """
SELECT toUnixTimestamp64Milli(at) AS at_ms FROM raw_table WHERE _condition
ORDER BY at DESC LIMIT 1 OFFSET {most:UInt32}
"""
_COUNTS = """
SELECT
    intDiv(toUnixTimestamp(at), {seconds:UInt32}) AS step,
    countIf(state IN ('detected', 'blocked', 'masked')) AS flagged
FROM filter_verdicts WHERE _condition AND toUnixTimestamp(at) < {until:Int64}
    AND score_kind NOT IN ('grounded_score', 'quality_score')
GROUP BY step ORDER BY step DESC LIMIT 100000
"""
_SCORES = """
SELECT event_id, toUnixTimestamp64Milli(at) AS at_ms, score FROM filter_verdicts
WHERE _condition AND score IS NOT NULL AND score_kind IN ('grounded_score', 'quality_score')
    AND toUnixTimestamp64Milli(at) <= {until:Int64}
ORDER BY at DESC, event_id DESC LIMIT 100000
"""
_NO_PART = "-"
_KINDS: dict[On, tuple[Topic, type[Event]]] = {
    "verdicts": (FILTER_VERDICTS, FilterVerdict),
    "requests": (REQUEST_LOGS, RequestLog),
    "feedback": (USER_FEEDBACK, UserFeedback),
    "notices": (PROVIDER_NOTICES, ProviderNotice),
}


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay gave."""

    events: int
    """Replayed: verdicts, steps of a series, or scores."""
    cut: bool = False
    """There are more; the oldest are left out."""
    reproduced: bool = True
    """The very signal came out again."""
    traces: tuple[Trace, ...] = ()
    fewer: Fewer | None = None
    """For a series of counts."""
    scores: Counterfactual | None = field(default=None)
    """For a series of scores."""


class Replayer:
    """Asks one API in the name of one token, and replays under one policy."""

    def __init__(self, client: Client, policy: LoadedPolicy) -> None:
        self._client, self._policy = client, policy

    async def event(self, row: Mapping[str, Any], event_id: str) -> Replay:
        """Every detector of the event's subject that looks at such events, right after it. Raises Refused."""
        kind: On = row["kind"]
        events, cut = await self._events(row, "subject", kind)
        found = [
            _at_event(suspect, f"{row['tenant']}|{row['subject']}", events, event_id)
            for suspect in suspects(self._policy).values()
            if suspect.on == kind
        ]
        traces = tuple(one for one in found if one)
        return Replay(len(events), cut, reproduced=bool(traces), traces=traces)

    async def signal(self, row: Mapping[str, Any]) -> Replay:
        """The detector that emitted the signal, at the event that made it. Raises Refused."""
        if row["detector"] == "category_spike":
            return await self._spike(row)
        if row["detector"] == "groundedness_drift":
            return await self._drift(row)
        scope: Scope = row.get("scope") or "subject"
        suspect = suspects(self._policy, scope).get(row["detector"])
        if suspect is None:
            return Replay(0, reproduced=False)
        events, cut = await self._events(row, scope, suspect.on)
        newest = next(iter(row["evidence"]), "")
        own = suspect.alike(events, newest)
        course = Course(suspect.probe, str(row["key"]), own)
        at = course.place_of(str(row["id"]))
        if at is None:
            found = _at_event(suspect, str(row["key"]), events, newest)
            return Replay(len(own), cut, reproduced=False, traces=(found,) if found else ())
        return Replay(at + 1, cut, traces=(trace(course, at),))

    async def _events(self, row: Mapping[str, Any], scope: str, kind: On) -> tuple[list[Any], bool]:
        """The newest events of one kind of one subject or session, in the order of the log."""
        topic, model = _KINDS[kind]
        condition = _WHOSE[scope]
        parameters = {"tenant": str(row["tenant"]), "name": str(row["subject"]), "until": str(row["at_ms"])}
        query = _OLDEST.replace("_condition", condition).replace("raw_table", table_of(topic))
        oldest = await self._client.sql(query, _params(parameters | {"most": str(MOST_EVENTS)}))
        if oldest:
            condition += " AND toUnixTimestamp64Milli(at) > {since:Int64}"
            parameters["since"] = str(oldest[0]["at_ms"])
        decode, found = Decoder(model).decode, list[Any]()
        for partition in await partitions_with(self._client, topic, condition, parameters):
            stored = pages(self._client, topic, partition, condition=condition, parameters=parameters)
            found.extend([decode(one.value) async for page in stored for one in page])
        return list(_in_time(found, self._policy.policy.lateness.allowed)), bool(oldest)

    async def _spike(self, row: Mapping[str, Any]) -> Replay:
        for detector in spike_detectors(self._policy):
            steps = await self._steps(row, detector)
            found = _spiked(detector, steps, row)
            if found:
                return Replay(len(steps), len(steps) >= MOST_EVENTS, fewer=found)
        return Replay(0, reproduced=False)

    async def _steps(self, row: Mapping[str, Any], detector: CategorySpike) -> list[StepCount]:
        """Every step of the series up to the signal's, with zeros, oldest first."""
        seconds = int(detector.length.total_seconds())
        condition, parameters = _of_series(SeriesKey.parse(row["key"])._asdict())
        last = int(row["at_ms"]) // 1000 // seconds
        own = {"seconds": str(seconds), "until": str((last + 1) * seconds)}
        rows = await self._client.sql(_COUNTS.replace("_condition", condition), _params(parameters | own))
        counts = {int(one["step"]): int(one["flagged"]) for one in rows}
        level = str(row["level"])
        live = watched(detector, float(row["statistic_threshold"]), level=level)
        return [
            StepCount(str(row["key"]), datetime.fromtimestamp(step * seconds, UTC), counts.get(step, 0), live)
            for step in range(min(counts, default=last), last + 1)
        ]

    async def _drift(self, row: Mapping[str, Any]) -> Replay:
        key = ScoreKey.parse(row["key"])
        columns = {
            "tenant": key.tenant, "model": key.model, "deployment": key.deployment,
            "provider_category": key.metric, "filter": key.evaluator, "filter_version": key.version,
        }  # fmt: skip
        condition, parameters = _of_series(columns)
        query = _SCORES.replace("_condition", condition)
        rows = await self._client.sql(query, _params(parameters | {"until": str(row["at_ms"])}))
        scores = [
            Score(str(row["key"]), one["event_id"], datetime.fromtimestamp(int(one["at_ms"]) / 1000, UTC), one["score"])
            for one in reversed(rows)
        ]
        course = Course(drift_probe(self._policy), str(row["key"]), scores)
        at = course.place_of(str(row["id"]))
        if at is None:
            return Replay(len(scores), len(scores) >= MOST_EVENTS, reproduced=False)
        since = course.fired[at][0].expectation
        fallen = [place for place in range(at + 1) if since is None or scores[place].at >= since.since]
        order = sorted(fallen, key=lambda place: scores[place].value)
        found = without(course, at, str(row["level"]), order=order, called="lowest first")
        return Replay(at + 1, len(scores) >= MOST_EVENTS, scores=found)


def _at_event(suspect: Suspect, key: str, events: list[Any], event_id: str) -> Trace | None:
    course = Course(suspect.probe, key, suspect.alike(events, event_id))
    at = course.index(event_id)
    return None if at is None else trace(course, at)


def _spiked(detector: CategorySpike, steps: list[StepCount], row: Mapping[str, Any]) -> Fewer | None:
    state = detector.initial(str(row["key"]))
    for step in steps:
        before = state
        state, signals = detector.step(state, step)
        if any(one.id == row["id"] for one in signals):
            return fewer(detector, before, step, str(row["level"]))
    return None


def _of_series(columns: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The condition on the parts that are not summed over; what an event left out is empty in ClickHouse."""
    parts = {name: "" if value == _NO_PART else value for name, value in columns.items() if value != EVERYTHING}
    return " AND ".join(f"{name} = {{{name}:String}}" for name in parts), parts


def _in_time(events: list[Any], allowed: timedelta) -> Iterator[Any]:
    """Without what surely came too late to be counted: later than that behind the subject's own latest event."""
    high: datetime | None = None
    for event in events:
        if high is None or event.at >= high - allowed:
            yield event
            high = event.at if high is None else max(high, event.at)


def _params(parameters: Mapping[str, str]) -> dict[str, str]:
    return {f"param_{name}": value for name, value in parameters.items()}
