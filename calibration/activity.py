"""How many events tenants bring per five minutes: simulated days, weekends and outages; it judges nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from streams.detectors.silence import ActivityStep

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""
STEP = timedelta(minutes=5)
PER_DAY = 288

Counts = NDArray[np.int64]


def office(rng: np.random.Generator, days: int, *, volume: float) -> Counts:
    """A tenant with working hours: `volume` events per step at noon, begun and ended up to 40 minutes off; a tenth
    of it at night, a fifth at weekends; each hour varies by a log-normal factor of sigma 0.25."""
    parts = []
    for day in range(days):
        begins, ends = 8 + rng.uniform(-0.67, 0.67), 18 + rng.uniform(-0.67, 0.67)
        hour = np.arange(PER_DAY) / 12
        shape = np.where((hour >= begins) & (hour < ends), 1.0, 0.1) * (0.2 if day % 7 >= 5 else 1.0)
        parts.append(volume * shape * np.repeat(np.exp(0.25 * rng.standard_normal(24)), 12))
    return np.asarray(rng.negative_binomial(4.0, 4.0 / (4.0 + np.concatenate(parts))))


def world(rng: np.random.Generator, days: int, *, volume: float) -> Counts:
    """A tenant with users everywhere: a daily wave of 3:1, quieter weekends."""
    at = np.arange(days * PER_DAY)
    mean = volume * np.exp(0.55 * np.sin(2 * np.pi * at / PER_DAY)) * np.where(at // PER_DAY % 7 >= 5, 0.7, 1.0)
    mean *= np.repeat(np.exp(0.25 * rng.standard_normal(days * 24)), 12)
    return np.asarray(rng.negative_binomial(4.0, 4.0 / (4.0 + mean)))


def few(rng: np.random.Generator, days: int, *, users: int) -> Counts:
    """A tenant of a few people: sessions of 8 requests in ten minutes, 2 a day each by day, every fifth day off."""
    counts = np.zeros(days * PER_DAY + 2, np.int64)
    for _ in range(users):
        for day in np.flatnonzero(rng.random(days) < 0.8):
            for start in rng.integers(96, 240, rng.poisson(2)):
                first = day * PER_DAY + start
                counts[first : first + 2] += rng.multinomial(rng.geometric(1 / 8), (0.5, 0.5))
    return counts[:-2]


def steps(counts: Counts, *, key: str = "activity|contoso", live: int = 200) -> Iterator[ActivityStep]:
    """Consecutive steps of one of `live` activities."""
    for number, events in enumerate(counts.tolist()):
        yield ActivityStep(key, START + number * STEP, events, live)
