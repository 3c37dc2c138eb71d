"""Small seeded traffic for the detectors' tests: verdicts, step counts and scores; it is no simulator of people."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from math import exp, pi, sin
from typing import Any

import msgspec
import numpy as np

from alerts.signal import Signal
from policy.category_spike import CategorySpikePolicy
from policy.groundedness_drift import GroundednessDriftPolicy
from policy.policy import Care
from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.category_spike import CategorySpike, StepCount
from streams.detectors.groundedness_drift import GroundednessDrift, Score
from streams.detectors.repeat_offender import RepeatOffender

START = datetime(2026, 3, 4, tzinfo=UTC)
SUBJECT = "k1." + "a" * 26
SERIES = "contoso|gpt-4o|azure.openai|violence|prompt"
SCORES = "contoso|gpt-4o|chat|groundedness|ragas|1"
STEP = timedelta(minutes=5)

OFFENDER = RepeatOffender(RepeatOffenderPolicy(), Care(), "p1")
SPIKE = CategorySpike(CategorySpikePolicy(), "p1")
DRIFT = GroundednessDrift(GroundednessDriftPolicy(), "p1")


class VerdictStub(msgspec.Struct, frozen=True, gc=False):
    event_id: str
    request_id: str
    at: datetime
    state: str = "clean"
    category: str = "violence"
    severity: int | None = None
    session: str | None = None
    prompt_hash: str | None = None
    stage: str = "prompt"
    tenant: str = "contoso"
    subject: str = SUBJECT
    prompt_shingles: tuple[int, ...] = ()
    filter: str = "azure-content-filter"
    filter_version: str | None = None


def verdict(number: int, minutes: float = 0.0, **changes: Any) -> VerdictStub:
    """One verdict of request `r<number>`, `minutes` after the start."""
    at = START + timedelta(minutes=minutes)
    return VerdictStub(**{"event_id": f"r{number}:prompt:violence", "request_id": f"r{number}", "at": at, **changes})


def requests(seed: int, *, days: float, per_day: float, rate: float) -> Iterator[VerdictStub]:
    """One person's requests: Poisson arrivals, each blocked with probability `rate`."""
    chance = random.Random(seed)
    minutes, number = 0.0, 0
    while (minutes := minutes + chance.expovariate(per_day / 1440.0)) < days * 1440.0:
        number += 1
        state = "blocked" if chance.random() < rate else "clean"
        yield verdict(number, minutes, state=state)


def daily(steps: int, *, base: float, amplitude: float, start: datetime = START) -> np.ndarray[Any, Any]:
    """Expected counts per step of a series with a daily wave and quieter weekends."""
    moments = [start + i * STEP for i in range(steps)]
    hours = [at.timestamp() / 3600.0 for at in moments]
    quieter = [0.7 if at.weekday() >= 5 else 1.0 for at in moments]
    return np.array([base * q * exp(amplitude * sin(2 * pi * h / 24)) for h, q in zip(hours, quieter, strict=True)])


def drawn(means: np.ndarray[Any, Any], seed: int, size: float = 15.0) -> np.ndarray[Any, Any]:
    """Negative-binomial counts around the means."""
    rng = np.random.default_rng(seed)
    return rng.poisson(means * rng.gamma(size, 1.0 / size, len(means)))


def steps(counts: Iterable[int], *, start: datetime = START, live_series: int = 200) -> list[StepCount]:
    """Consecutive steps of one series."""
    return [StepCount(SERIES, start + i * STEP, int(count), live_series) for i, count in enumerate(counts)]


def scores(*parts: tuple[int, float], seed: int = 1) -> list[Score]:
    """Beta scores, one every three minutes: (how many, mean) per part."""
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.beta(10 * mean, 10 * (1 - mean), count) for count, mean in parts])
    return [Score(SCORES, f"s{i}", START + timedelta(minutes=3 * i), float(x)) for i, x in enumerate(values)]


def run(detector: Any, events: Iterable[Any], state: Any = None) -> tuple[Any, list[Signal]]:
    """Apply all events; returns the last state and all signals."""
    state = detector.initial("key") if state is None else state
    signals: list[Signal] = []
    for event in events:
        state, found = detector.step(state, event)
        signals += found
    return state, signals
