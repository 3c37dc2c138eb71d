"""What a young series of counts should show at this hour: its hours of earlier days, shrunk to its recent level.

One cell per hour of day (UTC), weekdays and weekends apart, each a decayed Gamma-Poisson sum whose prior is the recent
level. A series of a few hours has empty cells and follows its level alone; since that lags behind a
daily rise, the expectation is then allowed to have risen since. It judges no count.
"""

from dataclasses import dataclass
from functools import cached_property
from math import exp, exp2, sqrt

import msgspec
from msgspec.structs import replace

from policy.category_spike import CategorySpikePolicy
from streams.detectors.harmonic_baseline import cell_of

HOUR = 3600
_CELLS = 48
_LARGEST_RISE = 5.0
_DISTRUST = 0.25
"""After a change that stayed, the history weighs this part of one day."""


class Baseline(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was learnt of one series; about 900 bytes with cells."""

    at: int
    """Start of the step expected next or judged now, epoch seconds."""
    steps: int = 0
    """Steps learnt."""
    level: float = 0.0
    """Decayed sum of recent counts."""
    level_weight: float = 0.0
    """Decayed number of recent steps."""
    level_age: float = 0.0
    """Their mean age in steps."""
    hour: float = 0.0
    """Counts of the running hour; they enter its cell when it is over."""
    hour_weight: int = 0
    """Steps learnt in the running hour."""
    cells: tuple[float, ...] = (0.0,) * _CELLS
    """Decayed sums of counts per hour of weekdays, then of weekends; empty once they are no longer needed."""
    weights: tuple[float, ...] = (0.0,) * _CELLS
    """Decayed numbers of steps, alike."""


class Forecast(msgspec.Struct, frozen=True, gc=False):
    """What one step should show."""

    mean: float
    """Expected count."""
    error: float
    """Relative standard error of the mean."""
    rise: float
    """Factor by which the mean may have risen since it was learnt; 1 for a known hour."""
    size: float
    """Negative-binomial size of the step's own noise."""
    known: float = 1.0
    """The part of the mean that earlier days tell; the rest is the level, which has wandered already."""
    shape: float = 0.0
    """The mean without the trend, where weeks of history have given one."""


@dataclass(frozen=True)
class SeasonalBaseline:
    """The learning rules for steps of one length, in seconds."""

    policy: CategorySpikePolicy
    step: float

    def rolled(self, baseline: Baseline, at: int) -> Baseline:
        """The baseline at the start of a later step: the level ages, an hour that is over enters its cell."""
        elapsed = max(1.0, (at - baseline.at) / self.step)
        kept = self._level_kept**elapsed
        baseline = self._with_hour(baseline) if at // HOUR != baseline.at // HOUR else baseline
        return replace(
            baseline,
            at=at,
            level=baseline.level * kept,
            level_weight=baseline.level_weight * kept,
            level_age=baseline.level_age + elapsed,
        )

    def forecast(self, baseline: Baseline) -> Forecast:
        """What the step at `baseline.at` should show."""
        cell = _cell(baseline.at)
        weight = baseline.weights[cell]
        level = baseline.level / baseline.level_weight if baseline.level_weight > 0.0 else 0.0
        unknown = self._day / (weight + self._day)
        known = 1.0 - unknown
        history = baseline.cells[cell] / weight if weight > 0.0 else 0.0
        mean = max(self.policy.minimum_mean, unknown * level + known * history)
        variance = unknown**2 / max(baseline.level_weight, 1.0) + known**2 / max(weight, 1.0)
        hours = baseline.level_age * self.step / HOUR
        return Forecast(
            mean,
            error=sqrt(variance * (1.0 / mean + 1.0 / self.policy.dispersion)),
            rise=exp(min(self.policy.rise_allowance * unknown * hours, _LARGEST_RISE)),
            size=self.policy.dispersion,
            known=known,
        )

    def learnt(self, baseline: Baseline, count: float) -> Baseline:
        """The baseline with the count of the step at `baseline.at`."""
        weight = baseline.level_weight
        return replace(
            baseline,
            steps=baseline.steps + 1,
            level=baseline.level + count,
            level_weight=weight + 1.0,
            level_age=baseline.level_age * weight / (weight + 1.0),
            hour=baseline.hour + count,
            hour_weight=baseline.hour_weight + 1,
        )

    def distrusted(self, baseline: Baseline) -> Baseline:
        """The baseline after a change that stayed: its history gives way to what comes now."""
        most = _DISTRUST * self._day
        cut = [min(1.0, most / weight) if weight else 1.0 for weight in baseline.weights]
        return replace(
            baseline,
            level=0.0,
            level_weight=0.0,
            cells=tuple(x * c for x, c in zip(baseline.cells, cut, strict=True)),
            weights=tuple(w * c for w, c in zip(baseline.weights, cut, strict=True)),
        )

    def _with_hour(self, baseline: Baseline) -> Baseline:
        if not baseline.hour_weight:
            return baseline
        if not baseline.cells:
            return replace(baseline, hour=0.0, hour_weight=0)
        cell = _cell(baseline.at)
        cells, weights = list(baseline.cells), list(baseline.weights)
        cells[cell] = cells[cell] * self._day_kept + baseline.hour
        weights[cell] = weights[cell] * self._day_kept + baseline.hour_weight
        return replace(baseline, hour=0.0, hour_weight=0, cells=tuple(cells), weights=tuple(weights))

    @cached_property
    def _day(self) -> float:
        """Steps that one day adds to a cell; the level weighs as much as one day."""
        return max(1.0, HOUR / self.step)

    @cached_property
    def _level_kept(self) -> float:
        return exp2(-self.step / self.policy.level_half_life.total_seconds())

    @cached_property
    def _day_kept(self) -> float:
        return exp2(-24 * HOUR / self.policy.half_life.total_seconds())


def _cell(at: int) -> int:
    return cell_of(at // HOUR)
