"""What observers tell beside series is judged: filters, api keys, links, activity, storage; through both real lanes."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from stream_records import START, SUBJECTS, Raw, blocked, record, reopened, sent, verdict

from alerts.signal import Signal
from broker.bulk import Outgoing
from broker.progress import Progress
from events import FilterVerdict, RequestLog
from events.topics import BASELINES, FILTER_VERDICTS, REQUEST_LOGS, SERIES_COUNTS, SIGNALS
from policy.policy import Policy
from policy.version import LoadedPolicy, version_of
from streams import series
from streams.detect import DetectLane
from streams.detectors.baselines import Baseline
from streams.detectors.gamma_poisson import Prior
from streams.lane import Flush, Lane
from streams.observe import ObserveLane

KEY = "k1." + "k" * 26
DEVICE = "device:" + "0a" * 8
MINUTE = timedelta(minutes=1)


def policy(**detectors: Any) -> LoadedPolicy:
    loaded = Policy.model_validate({"name": "t", "author": "t", "detectors": detectors})
    return LoadedPolicy(loaded, version_of(loaded), source="test")


OFFENDERS = policy(repeat_offender={"scopes": ["subject", "session", "api_key"], "linking": ["device"]})


class Loop:
    """One observer and one detect lane of one partition, which share a log; every flush of a lane may be a restart."""

    def __init__(self, loaded: LoadedPolicy, *, restarts: bool = False) -> None:
        self._new: list[Any] = [
            lambda: ObserveLane(0, policy=loaded, partitions=1),
            lambda: DetectLane(0, policy=loaded, partitions=1),
        ]
        self._lanes: list[Lane] = [new() for new in self._new]
        self._states: list[list[Outgoing]] = [[], []]
        self._restarts = restarts
        self._told = 0
        self.signals: list[Signal] = []
        self.published: list[series.Published] = []

    def events(self, events: Iterable[FilterVerdict | RequestLog], *, clock: float = 0.0) -> None:
        topic = FILTER_VERDICTS.name
        log: list[Raw] = []
        for offset, event in enumerate(events):
            topic = FILTER_VERDICTS.name if isinstance(event, FilterVerdict) else REQUEST_LOGS.name
            log.append(record(offset, event))  # type: ignore[arg-type]
        for start in range(0, len(log), 40):
            self._lanes[0].apply(topic, log[start : start + 40])
            self._turn(clock)

    def baseline(self, one: Baseline) -> None:
        self._lanes[0].apply(BASELINES.name, [Raw(0, 0, one.id.encode(), one.model_dump_json().encode())])
        self._turn(0.0)

    def tell(self, told: Progress | series.Watermark) -> None:
        self._detect([Outgoing(SERIES_COUNTS.name, b"k", series.ENCODE(told), 0)])

    def _turn(self, clock: float) -> None:
        flush = self._flushed(0, clock)
        self._detect(sent(flush, SERIES_COUNTS.name))

    def _detect(self, records: list[Outgoing]) -> None:
        self.published += [series.DECODE(one.value or b"") for one in records]
        log = [Raw(self._told + n, 0, one.key, one.value) for n, one in enumerate(records)]
        self._told += len(log)
        self._lanes[1].apply(SERIES_COUNTS.name, log)
        self._flushed(1, 0.0)

    def _flushed(self, index: int, clock: float) -> Flush:
        flush = self._lanes[index].drain(0.0, clock=clock)
        self.signals += [Signal.model_validate_json(one.value or b"") for one in sent(flush, SIGNALS.name)]
        self._states[index] += flush.state
        if self._restarts:
            self._lanes[index] = reopened(self._new[index](), self._states[index])
        return flush

    def found(self, detector: str) -> list[Signal]:
        return [one for one in self.signals if one.detector == detector]


RESTARTS = pytest.mark.parametrize("restarts", [False, True], ids=["going on", "restarted after every flush"])


def offences(count: int = 40, **fields: Any) -> list[FilterVerdict]:
    """Half of the requests blocked, ten minutes apart, so that each block counts."""
    return [(blocked if n % 2 else verdict)(n, at=START + n * 10 * MINUTE, **fields) for n in range(count)]


@RESTARTS
def test_a_session_and_an_api_key_are_judged_as_their_subject_is(restarts: bool) -> None:
    loop = Loop(OFFENDERS, restarts=restarts)
    loop.events(offences(api_key=KEY, session="k1." + "s" * 26))
    scopes = {(one.scope, one.level) for one in loop.found("repeat_offender")}
    assert {("subject", "block"), ("session", "block"), ("api_key", "block")} <= scopes
    assert {one.subject for one in loop.found("repeat_offender") if one.scope == "api_key"} == {KEY}


def test_scopes_that_the_policy_does_not_name_stay_silent() -> None:
    loop = Loop(policy())
    loop.events(offences(api_key=KEY, session="k1." + "s" * 26))
    assert {one.scope for one in loop.found("repeat_offender")} == {"subject"}


@RESTARTS
def test_accounts_that_share_a_device_raise_one_ticket_for_the_link(restarts: bool) -> None:
    loop = Loop(OFFENDERS, restarts=restarts)
    both = [(n, subject) for n in range(60) for subject in SUBJECTS[:2]]
    loop.events(
        blocked(2 * n + SUBJECTS.index(who), at=START + n * 10 * MINUTE, subject=who, links=(DEVICE,), severity=3)
        for n, who in both
    )
    tickets = loop.found("linked_accounts")
    assert [one.level for one in tickets] == ["ticket"]
    assert tickets[0].key == f"contoso|link|{DEVICE}"


def crowd(minutes: int, *, rate: int, first: int = 0, version: str = "v1") -> list[FilterVerdict]:
    """Ten people a minute, new ones every minute; one in `rate` is blocked."""
    found = []
    for number in range(10 * first, 10 * (first + minutes)):
        subject = "k1." + f"{number:026d}".translate(str.maketrans("0123456789", "abcdefghij"))
        make = blocked if number % rate == 0 else verdict
        found.append(make(number, at=START + number * MINUTE / 10, subject=subject, filter_version=version))
    return found


@RESTARTS
def test_a_filter_that_blocks_everybody_is_one_page_that_names_its_version(restarts: bool) -> None:
    loop = Loop(policy(filter_fault={"cold_start_verdicts": 500}, category_spike={"enabled": False}), restarts=restarts)
    loop.events(
        [*crowd(240, rate=200), *crowd(40, rate=2, first=240, version="v2"), verdict(9_999, at=START + 300 * MINUTE)]
    )
    pages = loop.found("filter_fault")
    assert [one.filters for one in pages] == [("azure-content-filter@v2",)]
    assert pages[0].key == "contoso|azure-content-filter|hate"
    assert pages[0].expectation is not None
    assert abs(pages[0].expectation.since - (START + 240 * MINUTE)) <= 5 * MINUTE


def test_verdicts_are_tallied_per_filter_version_tenant_and_provider() -> None:
    loop = Loop(policy())
    loop.events([verdict(0, filter_version="v1"), blocked(1, filter_version="v2"), blocked(2, stage="completion")])
    tallies = {one.key: one.counts for one in loop.published if isinstance(one, series.Tally)}
    assert tallies == {
        "contoso|azure-content-filter|hate|v1": (1, 0, 0),
        "contoso|azure-content-filter|hate|v2": (0, 0, 1),
        "contoso|azure-content-filter|hate|": (1, 1, 0),
        "activity|contoso": (3,),
        "activity|contoso|azure.openai": (3,),
        "activity||filter-verdicts": (3,),
    }


def test_an_archiver_that_stays_behind_is_a_page() -> None:
    loop = Loop(policy())
    for minute in range(20):
        loop.tell(Progress("filter-verdicts", 0, 100 + minute, "worker", 60.0 * minute))
    assert [(one.key, one.level) for one in loop.found("silence")] == [("storage|filter-verdicts|0", "page")]


def test_the_clock_goes_on_for_activity_while_every_source_is_idle() -> None:
    marks = series.Watermarks({}, awaited=1)
    marks.advance(series.Watermark(0, 600.0, False))
    assert (marks.at, marks.quiet_at) == (600.0, 600.0)
    marks.advance(series.Watermark(0, 600.0, True, 9_000.0))
    assert (marks.at, marks.quiet_at) == (600.0, 9_000.0)


@RESTARTS
def test_a_baseline_holds_for_people_and_keys_from_its_time_on(restarts: bool) -> None:
    def found(holds_from: datetime | None) -> set[tuple[str, str]]:
        loop = Loop(OFFENDERS, restarts=restarts)
        if holds_from:
            strict = Prior(2.0, 200.0)
            loop.baseline(Baseline.of(strict, "contoso", subjects=900, fitted_to=START, holds_from=holds_from))
        loop.events(offences(12, api_key=KEY))
        return {(one.scope, one.id) for one in loop.found("repeat_offender")}

    assert found(None) == found(START + timedelta(days=2))
    assert found(None) != found(START)


def test_a_baseline_that_cannot_be_read_changes_nothing() -> None:
    lane = ObserveLane(0, policy=OFFENDERS, partitions=1)
    lane.apply(BASELINES.name, [Raw(0, 0, b"k", b"{}"), Raw(1, 0, b"k", None)])
    assert sent(lane.drain(0.0), SERIES_COUNTS.name) == []


def test_a_program_is_pointed_at_by_its_requests() -> None:
    loop = Loop(policy())
    asked = [
        RequestLog(
            event_id=f"r{n}:log", at=START + timedelta(seconds=n), tenant="contoso", subject=SUBJECTS[0],
            request_id=f"r{n}",
            provider="azure.openai", model="gpt-4o", outcome="completed",
        )
        for n in range(400)
    ]  # fmt: skip
    loop.events(asked)
    assert {(one.scope, one.level) for one in loop.found("automation")} == {("subject", "review")}
