"""What a series should show in a step: by its hours and level while it is young, by weeks of history later.

With enough history the daily and weekly shape is fitted once a day, at an hour that depends on the series, so that the
fits of a fleet spread over the day and a replay fits at the same moments. A slow trend follows growth between the fits;
the noise is that of the series' own steps, shrunk towards the policy's. It judges no count.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, lru_cache
from math import exp2, sqrt
from zlib import crc32

import msgspec
import numpy as np
from msgspec.structs import replace

from policy.category_spike import CategorySpikePolicy
from streams.detectors import harmonic_baseline, hour_history
from streams.detectors.harmonic_baseline import Harmonics
from streams.detectors.hour_history import History
from streams.detectors.seasonal_baseline import HOUR, Baseline, Forecast, SeasonalBaseline
from streams.detectors.step_noise import Noise, StepNoise

_TREND_PRIOR = 20.0
"""Expected counts that the trend of 1 weighs before any were seen."""
_LEAST_WANDERING = 0.5
"""The part of a young series' mean that its level may wander away from, however little is known of its hours."""
_DISTRUST = 0.25
"""After a change that stayed, what the trend was learnt from weighs this part."""


class Past(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Weeks of one series; changes once an hour. At most 1.4 kB of counts and 570 bytes of fit."""

    history: History = History()
    model: Harmonics | None = None
    fitted: int = 0
    """The day of the last fit, counted from the series' own hour of the day."""
    shifted: int = 0
    """The hour in which a rise was last taken for the new normal, hours since the epoch."""


class Learnt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was learnt of one series."""

    young: Baseline = Baseline(0)
    """Its clock, its level, and its hours until a shape is fitted."""
    trend_seen: float = 0.0
    """Decayed sum of counts."""
    trend_expected: float = 0.0
    """Decayed sum of what the shape expected."""
    noise: Noise = Noise()
    past: Past = Past()


class Fitted(msgspec.Struct, frozen=True, gc=False):
    """A fit with the trend of the hours that it was fitted to."""

    model: Harmonics
    seen: float
    expected: float


@dataclass(frozen=True)
class LearntBaseline:
    """The learning rules for steps of one length."""

    policy: CategorySpikePolicy
    length: timedelta

    def begun(self, learnt: Learnt, count: int) -> Learnt:
        """The baseline with a count as it is: of a series too young to be judged, or of a change that stayed."""
        return replace(learnt, young=self._young.learnt(learnt.young, count))

    def rolled(self, learnt: Learnt, at: int, *, series: str) -> Learnt:
        """The baseline at the start of a later step; an hour that is over enters the history."""
        before = learnt.young
        steps = (at - before.at) / self.length.total_seconds()
        rolled = replace(learnt, young=self._young.rolled(before, at), noise=self._noise.rolled(learnt.noise, steps))
        if at // HOUR == before.at // HOUR:
            return rolled
        told = before.hour_weight * 2 >= self._steps_per_hour
        count = before.hour * self._steps_per_hour / before.hour_weight if told else None
        history = hour_history.remembered(learnt.past.history, before.at // HOUR, count, keep=self._hours_kept)
        return self._refitted(replace(rolled, past=replace(learnt.past, history=history)), series)

    def forecast(self, learnt: Learnt) -> Forecast:
        """What the step at `learnt.young.at` should show, and may show if the level has wandered."""
        above = max(0.0, learnt.noise.level - 1.0)
        if learnt.past.model is None:
            young = self._young.forecast(learnt.young)
            return replace(young, rise=young.rise * (1.0 + above * max(young.known, _LEAST_WANDERING)))
        alone = self._noise.variances(learnt.noise).alone
        return replace(self._shaped(learnt), rise=1.0 + above, size=1.0 / (alone + learnt.noise.doubt))

    def _shaped(self, learnt: Learnt) -> Forecast:
        hours = self.length.total_seconds() / HOUR
        model, hour = learnt.past.model, learnt.young.at / HOUR + hours / 2 - 0.5
        rate, error = harmonic_baseline.forecast(model, hour) if model is not None else (0.0, 0.0)
        expected = learnt.trend_expected + _TREND_PRIOR
        trend = (learnt.trend_seen + _TREND_PRIOR) / expected
        return Forecast(
            max(self.policy.minimum_mean, rate * hours * trend),
            error=sqrt(error * error + 1.0 / expected),
            rise=1.0,
            size=0.0,
            shape=rate * hours,
        )

    def learnt(self, before: Learnt, forecast: Forecast, count: int) -> Learnt:
        """The baseline with the count of the step at `before.young.at`, cut off where an outlier begins."""
        plausible, at = self.plausible(forecast, count), before.young.at
        young = self._young.learnt(before.young, plausible)
        noise = self._noise.learnt(before.noise, plausible, at=at, mean=forecast.mean, error=forecast.error)
        if before.past.model is None:
            noise = replace(noise, squares=0.0, squares_weight=0.0, products=0.0, products_weight=0.0)
            return replace(before, young=young, noise=noise)
        return replace(
            before,
            young=young,
            trend_seen=before.trend_seen * self._trend_kept + plausible,
            trend_expected=before.trend_expected * self._trend_kept + forecast.shape,
            noise=noise,
        )

    def followed(self, before: Learnt, forecast: Forecast, count: int) -> Learnt:
        """The baseline in a rise: nothing is learnt, only the level is followed."""
        return replace(before, noise=self._noise.followed(before.noise, count, mean=forecast.mean))

    def plausible(self, forecast: Forecast, count: int) -> float:
        """The count, cut off where an outlier begins."""
        mean = forecast.mean * forecast.rise
        variance = mean + mean * mean * (1.0 / forecast.size + forecast.error**2)
        return min(float(count), mean + self.policy.outlier * sqrt(variance))

    def moved(self, learnt: Learnt, *, times: float, count: int) -> Learnt:
        """The baseline after a rise that stayed: it stays at so many times the expected count."""
        young = self._young.learnt(self._young.distrusted(learnt.young), count)
        trend = (learnt.trend_seen + _TREND_PRIOR) / (learnt.trend_expected + _TREND_PRIOR)
        expected = max(_TREND_PRIOR, _DISTRUST * learnt.trend_expected)
        return replace(
            learnt,
            young=young,
            trend_seen=times * trend * (expected + _TREND_PRIOR) - _TREND_PRIOR,
            trend_expected=expected,
            past=replace(learnt.past, shifted=learnt.young.at // HOUR),
        )

    def _refitted(self, learnt: Learnt, series: str) -> Learnt:
        past = learnt.past
        day = (past.history.end - crc32(series.encode()) % 24) // 24
        if day <= past.fitted or hour_history.known(past.history) < self._hours_to_learn:
            return learnt
        recent = hour_history.since(past.history, past.shifted)
        if hour_history.known(recent) >= self._hours_to_learn:
            past = replace(past, history=recent)
        fitted = _fitted(past.history, past.shifted, self.policy.trend_half_life / timedelta(hours=1))
        if fitted is None:
            return learnt
        return replace(
            learnt,
            young=replace(learnt.young, cells=(), weights=()),
            trend_seen=fitted.seen,
            trend_expected=fitted.expected,
            past=replace(past, model=fitted.model, fitted=day),
        )

    @cached_property
    def _young(self) -> SeasonalBaseline:
        return SeasonalBaseline(self.policy, self.length.total_seconds())

    @cached_property
    def _steps_per_hour(self) -> float:
        return timedelta(hours=1) / self.length

    @cached_property
    def _hours_kept(self) -> int:
        return self.policy.history // timedelta(hours=1)

    @cached_property
    def _hours_to_learn(self) -> int:
        return self.policy.learn_from // timedelta(hours=1)

    @cached_property
    def _trend_kept(self) -> float:
        return exp2(-self.length / self.policy.trend_half_life)

    @cached_property
    def _noise(self) -> StepNoise:
        return StepNoise(
            expected=1.0 / self.policy.dispersion,
            level_kept=exp2(-self.length / self.policy.level_half_life),
            kept=exp2(-self.length / self.policy.half_life),
            step=round(self.length.total_seconds()),
        )


@lru_cache(maxsize=1024)
def _fitted(history: History, shifted: int, half_life: float) -> Fitted | None:
    """The fit of a history and its trend since `shifted`; an open step asks for the same one many times."""
    counts = hour_history.counts(history)
    model = harmonic_baseline.fit(counts, history.first)
    if model is None:
        return None
    hours = np.arange(history.first, history.end)
    weights = np.exp2((hours - history.end) / half_life) * (counts >= 0) * (hours >= shifted)
    means = harmonic_baseline.hourly_means(model, history.first, len(hours))
    return Fitted(model, float(weights @ np.maximum(counts, 0)), float(weights @ means))
