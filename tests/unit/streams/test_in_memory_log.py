"""What Watchfloor concludes is a function of the events, not of batches, interleavings and crashes."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_memory_log import PLACES, InMemoryLog, Place
from stream_records import START, verdict

from events import FilterVerdict
from events.topics import BOOKS, ENFORCEMENTS, INCIDENTS, LEDGER, SERIES_COUNTS, SIGNALS
from policy import LoadedPolicy, load_policy
from policy.policy import Webhook

DEMO = load_policy("demo")
RECEIVER = Webhook.model_validate({"name": "oncall", "url": "https://oncall.example", "secret_file": "secret"})
POLICY = LoadedPolicy(DEMO.policy.model_copy(update={"receivers": (RECEIVER,)}), DEMO.version, source="test")
OFFENDER = "k1." + "o" * 26
CROWD = tuple(f"k1.{first}{second}{'a' * 24}" for first in "bcdefg" for second in "hijklm")


def stream(seed: int = 7) -> list[FilterVerdict]:
    """Three quarters of an hour of a small application, with an offender, a spike and a fall of groundedness."""
    chance, events = random.Random(seed), list[FilterVerdict]()

    def said(second: float, **changes: object) -> None:
        number = len(events)
        kind = changes.get("provider_category", "violence")
        at = START + timedelta(seconds=second)
        fields = {"category": kind, "provider_category": kind, "subject": chance.choice(CROWD)}
        events.append(verdict(number, event_id=f"r{number}:{kind}", at=at, **(fields | changes)))

    for minute in range(45):
        for _ in range(30 if 35 <= minute < 38 else 5):
            flagged = chance.random() < (0.9 if 35 <= minute < 38 else 0.1)
            said(60 * minute + chance.random() * 60, state="detected" if flagged else "clean")
        for second in (0, 40):
            state = "blocked" if minute >= 20 else "clean"
            said(60 * minute + second, subject=OFFENDER, provider_category="hate", state=state, severity=2)
        for second in range(0, 60, 6):
            score = chance.uniform(0.8, 1.0) if minute < 30 else chance.uniform(0.1, 0.5)
            said(60 * minute + second, category="ungrounded", provider_category="groundedness", stage="completion",
                 severity=None, score=score, score_kind="grounded_score")  # fmt: skip
    for subject in CROWD:
        said(4000, subject=subject)
    return sorted(events, key=lambda event: event.at + timedelta(seconds=chance.uniform(0, 30)))


@dataclass(frozen=True)
class Conclusions:
    """What must not depend on the course of things."""

    about_subjects: frozenset[str]
    drifts: frozenset[str]
    pages: frozenset[str]
    decisions: frozenset[str]
    enforcements: frozenset[tuple[bytes | None, bytes | None]]
    watched: frozenset[tuple[str, str]]
    """Series and detectors with an incident."""


def conclusions(log: InMemoryLog) -> Conclusions:
    signals, ledger = log.values(SIGNALS.name), log.values(LEDGER.name)
    return Conclusions(
        frozenset(one["id"] for one in signals if one["detector"] == "repeat_offender"),
        frozenset(one["id"] for one in signals if one["detector"] == "groundedness_drift"),
        frozenset(one["id"] for one in signals if one["detector"] == "category_spike" and one["level"] == "page"),
        frozenset(one["id"] for one in ledger if one["kind"] in ("decision", "held")),
        frozenset(log.latest(ENFORCEMENTS.name).items()),
        frozenset((one["series"], one["detector"]) for one in log.values(INCIDENTS.name)),
    )


EVENTS = stream()


def concluded(course: Callable[[InMemoryLog], None]) -> Conclusions:
    log = InMemoryLog(POLICY, EVENTS)
    course(log)
    log.finish()
    return conclusions(log)


@pytest.fixture(scope="module")
def at_once() -> Conclusions:
    return concluded(lambda log: log.finish())


def test_the_stream_holds_an_offender_a_spike_and_a_drift(at_once: Conclusions) -> None:
    assert {detector for _, detector in at_once.watched} == {"category_spike", "groundedness_drift"}
    assert len(at_once.pages) >= 1
    assert len(at_once.drifts) >= 1
    assert any(key == f"contoso|{OFFENDER}".encode() for key, _ in at_once.enforcements)


def test_every_incident_is_opened_once_and_told() -> None:
    log = InMemoryLog(POLICY, EVENTS)
    log.finish()
    ledger = log.values(LEDGER.name)
    opened = [one["about"] for one in ledger if one["kind"] == "incident_opened"]
    assert len(opened) == len(set(opened))
    assert {one["about"] for one in ledger if one["kind"] == "notification"} == set(opened)


@pytest.mark.parametrize("limit", [7, 100])
def test_many_small_batches_conclude_the_same(at_once: Conclusions, limit: int) -> None:
    assert concluded(lambda log: log.finish(limit)) == at_once


WHAT = st.sampled_from(["read", "flush", "crash"])
STEPS = st.lists(st.tuples(st.sampled_from(PLACES), st.integers(1, 400), WHAT, st.integers(0, 400)), max_size=60)


@settings(max_examples=30, deadline=None)
@given(steps=STEPS)
def test_any_interleaving_with_crashes_concludes_the_same(
    at_once: Conclusions, steps: list[tuple[Place, int, str, int]]
) -> None:
    def course(log: InMemoryLog) -> None:
        for place, limit, what, written in steps:
            log.step(place, limit)
            if what == "flush":
                log.flush(place)
            elif what == "crash":
                log.crash(place, written=written)

    assert concluded(course) == at_once


HOUR = timedelta(hours=1)
EXTRA = st.sampled_from(["duplicate", "late", "future"])
EXTRAS = st.lists(st.tuples(st.integers(0, len(EVENTS) - 1), EXTRA, st.integers(0, 80)), max_size=200)


def disordered(extras: list[tuple[int, str, int]]) -> tuple[list[FilterVerdict], Counter[str]]:
    """The events with others in between that must not count, and how many of which kind these are."""
    between: dict[int, list[FilterVerdict]] = {}
    kinds = Counter[str]()
    for number, (place, kind, back) in enumerate(extras):
        event = EVENTS[max(0, place - back)]
        if EVENTS[place].at - event.at > timedelta(minutes=9):
            continue
        if kind == "late" and EVENTS[place].at < START + timedelta(minutes=15):
            continue
        if kind != "duplicate":
            at = START - HOUR if kind == "late" else event.at + HOUR
            event = event.model_copy(update={"event_id": f"{kind}-{number}", "at": at})
        between.setdefault(place, []).append(event)
        kinds[kind] += 1
    return [one for place, event in enumerate(EVENTS) for one in (event, *between.get(place, ()))], kinds


def arrival(event: FilterVerdict) -> datetime:
    return event.at - HOUR if event.event_id.startswith("future") else event.at


def booked(log: InMemoryLog) -> Counter[str]:
    """What became of the events, over all partitions."""
    books = [msgspec.json.decode(value or b"") for value in log.latest(BOOKS.name).values()]
    return sum((Counter({name: one[name] for name in OUTCOMES}) for one in books), Counter())


OUTCOMES = ("applied", "duplicate", "late", "dead")


@settings(max_examples=8, deadline=None)
@given(extras=EXTRAS)
def test_repeated_late_and_future_events_conclude_the_same(
    at_once: Conclusions, extras: list[tuple[int, str, int]]
) -> None:
    events, kinds = disordered(extras)
    log = InMemoryLog(POLICY, events, arrival)
    log.finish()
    assert conclusions(log) == at_once
    assert booked(log) == Counter(
        applied=len(EVENTS), duplicate=kinds["duplicate"], late=kinds["late"], dead=kinds["future"]
    )


def spiking(found: Conclusions) -> set[str]:
    """Series with an incident; which of their pages come early is a matter of order."""
    return {series for series, detector in found.watched if detector == "category_spike"}


Totals = Counter[tuple[str, int, str]]
"""(series, minute, what) → how many, over all source partitions."""


def totals(log: InMemoryLog) -> Totals:
    latest: dict[tuple[str, int, int], dict[str, int]] = {}
    for one in log.values(SERIES_COUNTS.name):
        if "evaluated" in one:
            latest[one["series"], one["minute"], one["source"]] = one
    return sum(
        (
            Counter({(series, minute, what): one[what] for what in ("evaluated", "flagged", "blocked")})
            for (series, minute, _), one in latest.items()
        ),
        Counter(),
    )


@pytest.fixture(scope="module")
def totals_in_order() -> Totals:
    log = InMemoryLog(POLICY, EVENTS)
    log.finish()
    return totals(log)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32), batch=st.integers(100, 1000))
def test_events_shuffled_within_the_lateness_add_up_to_the_same_totals_and_spikes(
    at_once: Conclusions, totals_in_order: Totals, seed: int, batch: int
) -> None:
    chance = random.Random(seed)
    shuffled = sorted(EVENTS, key=lambda event: event.at + chance.random() * timedelta(minutes=9))
    log = InMemoryLog(POLICY, shuffled)
    log.finish(batch)
    assert booked(log) == Counter(applied=len(EVENTS))
    assert totals(log) == totals_in_order
    assert spiking(conclusions(log)) == spiking(at_once)
