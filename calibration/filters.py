"""What a filter finds minute by minute: simulated users, offenders, campaigns and faults; it judges nothing."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from math import pi, sin

import numpy as np

from policy.filter_fault import FilterFaultPolicy
from streams.detectors.filter_fault import FilterStep

START = datetime(2026, 3, 2, tzinfo=UTC)
KEY = "contoso|azure-content-filter|violence"


def minutes(
    rng: np.random.Generator,
    count: int,
    *,
    evaluated: float,
    rate: float,
    times: Callable[[int], float] = lambda _: 1.0,
) -> Iterator[FilterStep]:
    """Minutes of one version: `evaluated` verdicts on average, of which `rate` block, times a factor of the minute.

    Volume has a daily wave of 5:1; the rate is a third higher at night than by day, and varies by a Gamma factor of
    size 15 from minute to minute. Of the blocks, 70 % are of subjects newly blocked.
    """
    for minute in range(count):
        wave = sin(2 * pi * minute / 1440)
        seen = int(rng.poisson(evaluated * np.exp(0.8 * wave)))
        share = min(1.0, rate * (1 - 0.14 * wave) * rng.gamma(15, 1 / 15) * times(minute))
        blocked = int(rng.binomial(seen, share))
        yield step(minute, seen, blocked=blocked, subjects=int(rng.binomial(blocked, 0.7)))


def step(minute: int, evaluated: int, *, blocked: int, subjects: int, version: str = "1") -> FilterStep:
    """One minute of one of 200 filters."""
    return FilterStep(KEY, version, START + timedelta(minutes=minute), evaluated, blocked, subjects, 200)


LEARNING = 61
"""Minutes in which `tolerated` only teaches the reference."""


def tolerated(rng: np.random.Generator, count: int, *, policy: FilterFaultPolicy, live: int) -> Iterator[FilterStep]:
    """A reference of 4 newly blocked subjects a minute, known to a thousandth, then `tolerance` times as many."""
    for minute in range(LEARNING):
        yield _known(minute, 10_000_000, 40_000, live=live)
    mean, size = 4.0 * policy.tolerance, policy.dispersion
    for minute, subjects in enumerate(rng.negative_binomial(size, size / (size + mean), count).tolist()):
        yield _known(LEARNING + minute, 1000, subjects, live=live)


def _known(minute: int, evaluated: int, subjects: int, *, live: int) -> FilterStep:
    return FilterStep(KEY, "1", START + timedelta(minutes=minute), evaluated, subjects, subjects, live)
