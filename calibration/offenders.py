"""Power and delay of six methods against six offenders, all at the same share of good users flagged.

The experiment: benign users for 30 days, a decision after every violation, each threshold such that 0.1 % of the good
users ever reach it. What is expected comes from one run with 20,000 users, whose thresholds are what 19 people reached:
they vary by a tenth from run to run, as the table of thresholds shows. Here 400,000 users set them. Five cells depend
on the threshold so much that one run may be further off than 15 %, and say by how much: a bucket that the offender's
habit barely fills, a score that grows with the root of time, evidence that waits for two strokes of luck.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from calibration.finding import Finding, within
from calibration.offender_methods import METHODS, Method
from calibration.offender_nominal import nominal
from calibration.offender_population import DAYS, Benign, Floats, Paths, Phase, benign, drawn

_USERS, _POPULATIONS, _OFFENDERS = 20_000, 20, 999
_SHARE_FLAGGED = 0.001
_TABLE = "repeat offenders: power, delay at 0.1 % of good users flagged"
_THRESHOLDS = "repeat offenders: thresholds from all users, and the range over populations of 20,000"
_VOLUMES = "repeat offenders: median requests a day of the good users who are flagged"
_HEAVY, _ORDINARY = (650.0, 770.0), (22.0, 108.0)
"""Of methods that count and of methods that compare with the number of requests; medians of 19, so within twice."""
_SURELY, _SELDOM = 0.98, 0.05
_TURN = 15.0
"""Days of ordinary use before an account turns."""


class Expected(NamedTuple):
    """One cell of the table; without a delay where hardly anybody is found."""

    power: float
    days: float | None = None
    violations: float | None = None
    tolerance: float = 0.15
    """Of days and violations, relative; violations may always be one off."""


class Offender(NamedTuple):
    """Somebody to find; days and violations count from when the offending starts."""

    name: str
    volume: float
    rate: float
    cells: tuple[Expected, ...]
    """In the order of `METHODS`."""
    before: float = 0.0
    """Days of a permitted rate first."""

    def paths(self, rng: np.random.Generator, users: int) -> Paths:
        """Thirty days of offending by that many of them."""
        good, bad = np.full(users, 0.005), np.full(users, self.rate)
        phases = [Phase(self.before, good), Phase(DAYS, bad)]
        return drawn(rng, np.full(users, self.volume), phases)


_NEVER = Expected(0.0)
PROFILES = (
    Offender("p=.5, 20/d", 20, 0.5, (
        Expected(1, 2.2, 24), Expected(1, 2.6, 27, 0.25), Expected(1, 0.34, 4),
        Expected(1, 0.38, 4), Expected(1, 0.38, 4), Expected(1, 0.36, 4),
    )),
    Offender("p=.15, 30/d", 30, 0.15, (
        Expected(0.06), Expected(0.07), Expected(1, 0.71, 4, 0.2),
        Expected(1, 1.0, 5), Expected(1, 1.1, 5), Expected(1, 1.4, 7),
    )),
    Offender("low and slow p=.3, 3/d", 3, 0.3, (
        _NEVER, _NEVER, Expected(1, 2.7, 3),
        Expected(1, 5.1, 5), Expected(1, 4.2, 4), Expected(1, 4.7, 5),
    )),
    Offender("turned .005 to .3, 30/d", 30, 0.3, (
        Expected(1, 3.4, 32), Expected(1, 3.1, 29, 0.3), Expected(1, 1.8, 17),
        Expected(1, 1.1, 10), Expected(1, 0.44, 4), Expected(1, 0.50, 5),
    ), _TURN),
    Offender("diluted bot p=.03, 2000/d", 2000, 0.03, (
        Expected(1, 0.23, 14), Expected(1, 0.25, 15), Expected(1, 1.9, 119, 0.2),
        Expected(1, 0.24, 16), Expected(1, 2.1, 124), Expected(1, 2.3, 140, 0.4),
    )),
    Offender("burst p=.9, 40/d", 40, 0.9, (
        Expected(1, 0.38, 14), Expected(1, 0.43, 16), Expected(1, 0.14, 6),
        Expected(1, 0.10, 4), Expected(1, 0.10, 4), Expected(1, 0.08, 3),
    )),
)  # fmt: skip


def offenders() -> Iterator[Finding]:
    """The table, then what the methods do at the thresholds that people use."""
    rng = np.random.default_rng(20240301)
    populations = [benign(rng, _USERS) for _ in range(_POPULATIONS)]
    reached = [[_reached(method, one) for one in populations] for method in METHODS]
    levels = [threshold(np.concatenate(several)) for several in reached]
    volumes = np.concatenate([one.volumes[one.good] for one in populations])
    for method, level, several in zip(METHODS, levels, reached, strict=True):
        single = [threshold(one) for one in several]
        yield Finding(_THRESHOLDS, method.name, level, low=min(single), high=max(single))
        flagged = float(np.median(volumes[np.concatenate(several) >= level]))
        least, most = _HEAVY if method in METHODS[:2] else _ORDINARY
        yield Finding(_VOLUMES, method.name, flagged, low=least / 2.0, high=most * 2.0)
    for profile in PROFILES:
        paths = profile.paths(rng, _OFFENDERS)
        for method, level, cell in zip(METHODS, levels, profile.cells, strict=True):
            found = caught(paths, method.statistic(paths), level, after=profile.before)
            yield from _compared(f"{profile.name} · {method.name}", found, cell)
    yield from nominal(rng, populations)


def threshold(reached: Floats) -> float:
    """The level that a share of the users as close to 0.1 % as can be reach, given the highest that each reached."""
    levels, counts = np.unique(reached, return_counts=True)
    shares = np.cumsum(counts[::-1])[::-1] / len(reached)
    return float(levels[np.argmin(np.abs(shares - _SHARE_FLAGGED))])


class Caught(NamedTuple):
    """What became of offenders under one method."""

    power: float
    """Share of them who were flagged."""
    days: float
    """Median until they were; NaN if nobody was."""
    violations: float
    """Likewise."""


def caught(paths: Paths, statistic: Floats, level: float, *, after: float = 0.0) -> Caught:
    """Who reaches `level` after that day; days and violations count from there."""
    late = paths.times > after
    hits = np.flatnonzero((statistic >= level) & late)
    users, first = np.unique(paths.owners[hits], return_index=True)
    if not users.size:
        return Caught(0.0, np.nan, np.nan)
    at = hits[first]
    so_far = np.concatenate(([0], np.cumsum(late)))
    violations = so_far[at + 1] - so_far[paths.firsts[users]]
    days = float(np.median(paths.times[at]) - after)
    return Caught(users.size / len(paths.counts), days, float(np.median(violations)))


def _reached(method: Method, population: Benign) -> Floats:
    return population.paths.highest(method.statistic(population.paths))[population.good]


def _compared(case: str, found: Caught, cell: Expected) -> Iterator[Finding]:
    low, high = (_SURELY, 1.0) if cell.power == 1.0 else (max(0.0, cell.power - _SELDOM), cell.power + _SELDOM)
    yield Finding(_TABLE, f"{case} · power", found.power, cell.power, low, high)
    if cell.days is not None:
        yield within(_TABLE, f"{case} · days", measured=found.days, expected=cell.days, tolerance=cell.tolerance)
    if cell.violations is not None:
        tolerance = max(cell.tolerance, 1.0 / cell.violations)
        name = f"{case} · violations"
        yield within(_TABLE, name, measured=found.violations, expected=cell.violations, tolerance=tolerance)
