"""Small seeded traffic for the detectors of programs, faulty filters and silence; it is no simulator of people."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import msgspec
import numpy as np

from alerts.signal import Signal
from broker.progress import Progress
from policy.automation import AutomationPolicy
from policy.filter_fault import FilterFaultPolicy
from policy.silence import SilencePolicy
from streams.detectors.automation import Automation
from streams.detectors.filter_fault import FilterFault, FilterStep
from streams.detectors.silence import ActivityStep, Silence
from streams.detectors.unstored import Storage

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""
SUBJECT, KEY = "k1." + "a" * 26, "k1." + "b" * 26
FILTER = "contoso|azure-content-filter|violence"
MINUTE, STEP = timedelta(minutes=1), timedelta(minutes=5)
DAY = 288

AUTOMATION = Automation(AutomationPolicy(), "p1")
FAULT = FilterFault(FilterFaultPolicy(), "p1")
SILENCE = Silence(SilencePolicy(), "p1")
STORAGE = Storage(SilencePolicy(), "p1")


class RequestStub(msgspec.Struct, frozen=True, gc=False):
    event_id: str
    at: datetime
    prompt_hash: str | None = None
    tenant: str = "contoso"
    subject: str = SUBJECT
    api_key: str | None = KEY


def asked(seconds: Iterable[float], **changes: Any) -> list[RequestStub]:
    """Requests at these seconds after the start."""
    return [RequestStub(f"r{n}:log", START + timedelta(seconds=at), **changes) for n, at in enumerate(seconds)]


def human(seed: int, *, days: int = 10, per_day: int = 60) -> list[RequestStub]:
    """A person: waking days of 16 hours, sessions with uneven pauses, prompts of their own and now and then a retry."""
    chance = random.Random(seed)
    times = []
    for day in range(days):
        for _ in range(per_day // 8):
            at = (day * 24 + 8 + chance.uniform(0, 15)) * 3600
            times.extend(accumulate((chance.lognormvariate(3.8, 1) for _ in range(7)), initial=at))
    prompts = [f"{chance.getrandbits(64) if chance.random() < 0.9 else 7:016x}" for _ in times]
    requests = asked(sorted(times))
    return [msgspec.structs.replace(one, prompt_hash=prompt) for one, prompt in zip(requests, prompts, strict=True)]


def clockwork(count: int, *, every: float = 60.0, jitter: float = 0.05, seed: int = 1) -> list[float]:
    """Seconds of a program's requests."""
    chance = random.Random(seed)
    return list(accumulate(every * chance.uniform(1 - jitter, 1 + jitter) for _ in range(count)))


def found(
    evaluated: int, blocked: int, *, minute: int, subjects: int | None = None, version: str = "1", live: int = 200
) -> FilterStep:
    """One minute of a filter; everybody who is blocked is another one unless `subjects` says how many."""
    newly = blocked if subjects is None else subjects
    return FilterStep(FILTER, version, START + minute * MINUTE, evaluated, blocked, newly, live)


def minutes(
    count: int, *, rate: float = 0.005, evaluated: int = 600, first: int = 0, version: str = "1", seed: int = 1
) -> list[FilterStep]:
    """Minutes of a filter that blocks `rate` of what it evaluates."""
    rng = np.random.default_rng([seed, first])
    counts = rng.poisson(evaluated * rate, count).tolist()
    return [found(evaluated, blocked, minute=first + n, version=version) for n, blocked in enumerate(counts)]


def activity(
    events: Iterable[float], *, key: str = "activity|contoso", first: int = 0, live: int = 200
) -> Iterator[ActivityStep]:
    """Consecutive steps."""
    for number, count in enumerate(events, start=first):
        yield ActivityStep(key, START + number * STEP, int(count), live)


def days(count: int, *, events: float = 20.0, seed: int = 1) -> Any:
    """Counts of an office: ten busy hours a day, a tenth of it at night, a fifth at weekends."""
    at = np.arange(count * DAY)
    busy = np.where((at % DAY >= 96) & (at % DAY < 216), 1.0, 0.1) * np.where(at // DAY % 7 >= 5, 0.2, 1.0)
    return np.random.default_rng(seed).negative_binomial(5, 5 / (5 + events * busy))


def progress(by: str, next_offset: int, minute: float) -> Progress:
    """What one of the two says of partition 3 of the verdicts, `minute` minutes after the start."""
    return Progress("filter-verdicts", 3, next_offset, by, START.timestamp() + 60 * minute)  # type: ignore[arg-type]  # either


def worked(minutes: int, *, stored_until: int) -> list[Progress]:
    """A worker that reads 100 events a minute, and an archiver that stores them a minute later, until it stops."""
    said = []
    for minute in range(minutes):
        said.append(progress("worker", 100 * (minute + 1), minute))
        if minute <= stored_until:
            said.append(progress("archiver", 100 * minute, minute))
    return said


def run(detector: Any, events: Iterable[Any], state: Any = None) -> tuple[Any, list[Signal]]:
    """Apply all events; returns the last state and all signals."""
    state = detector.initial("key") if state is None else state
    signals: list[Signal] = []
    for event in events:
        state, told = detector.step(state, event)
        signals += told
    return state, signals
