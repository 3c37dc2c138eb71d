"""The statistics of nine spike methods for many series at once, higher for less likely counts; it sets no threshold.

`log_ratios`, `shiryaev_roberts` and `pages` compute what streams.detectors' negative_binomial and shiryaev_roberts do
step by step; tests/unit/calibration/test_spike_statistics.py holds them equal.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.references.ears import GAP, excess
from calibration.references.online_fdr import bh_adjusted, lord_levels
from calibration.references.predictive import tail
from calibration.spikes_series import DAY, MONITORED, WEEK, Counts, Floats, Forecast

Flags = NDArray[np.bool_]

MULTIPLIERS = (1.5, 2.0, 3.0, 5.0)
_FLOOR = 0.5
"""Least standard deviation of the methods that estimate one from counts."""
_LEAST_TAIL = 1e-300
_LORD_LEVEL = 0.1


class Method(NamedTuple):
    """One way to judge counts."""

    name: str
    statistic: Callable[[Counts, Forecast], Floats]
    """From all counts of the series and the forecast to one number per series and monitored hour."""
    nominal: float
    """Value of the statistic from which the method alarms as people set it."""
    retuned: bool = True
    """Whether its threshold may be moved; the levels of an online procedure are its own."""
    pooled: bool = False
    """Whether what the other series show counts: then it matters how many rise at once."""


def log_ratios(counts: Counts, forecast: Forecast, multipliers: tuple[float, ...] = MULTIPLIERS) -> Floats:
    """ln of P(count | multiple of the mean) / P(count | mean): series, hours, multipliers."""
    mean, size, times = forecast.means[..., None], forecast.sizes[..., None], np.array(multipliers)
    spread = np.log((size + mean) / (size + times * mean))
    return np.asarray(counts[..., None] * (np.log(times) + spread) + size * spread)


def shiryaev_roberts(ratios: Floats) -> Floats:
    """ln of the mixture statistic after each hour, when nothing ever starts it anew."""
    evidence = np.zeros((len(ratios), ratios.shape[2]))
    means = np.empty(ratios.shape[:2])
    for hour in range(ratios.shape[1]):
        logs = evidence + ratios[:, hour]
        means[:, hour] = _log_mean(logs)
        evidence = np.logaddexp(0.0, logs)
    return means


def pages(ratios: Floats, log_threshold: float) -> Flags:
    """The hours in which the mixture reaches the threshold; it then starts again from 0."""
    evidence = np.zeros((len(ratios), ratios.shape[2]))
    raised = np.empty(ratios.shape[:2], bool)
    for hour in range(ratios.shape[1]):
        logs = evidence + ratios[:, hour]
        raised[:, hour] = _log_mean(logs) >= log_threshold
        evidence = np.where(raised[:, hour, np.newaxis], 0.0, np.logaddexp(0.0, logs))
    return raised


def _cumulative(multipliers: tuple[float, ...]) -> Callable[[Counts, Forecast], Floats]:
    def statistic(counts: Counts, forecast: Forecast) -> Floats:
        ratios = log_ratios(_monitored(counts), forecast, multipliers)
        held = np.zeros((len(ratios), len(multipliers)))
        means = np.empty(ratios.shape[:2])
        for hour in range(ratios.shape[1]):
            held = np.maximum(held, 0.0) + ratios[:, hour]
            means[:, hour] = _log_mean(held)
        return means

    return statistic


def _log_mean(logs: Floats) -> Floats:
    top = logs.max(axis=-1)
    return np.asarray(top + np.log(np.exp(logs - top[..., np.newaxis]).mean(axis=-1)))


def _monitored(counts: Counts) -> Counts:
    return counts[:, -MONITORED:]


def _last_hours(counts: Counts, _: Forecast) -> Floats:
    return excess(counts, floor=_FLOOR)[:, -MONITORED:]


def _same_hour(counts: Counts, _: Forecast) -> Floats:
    return _folded(counts, DAY, baseline=7, gap=GAP)


def _same_hour_of_week(counts: Counts, _: Forecast) -> Floats:
    return _folded(counts, WEEK, baseline=8, gap=0)


def _folded(counts: Counts, period: int, *, baseline: int, gap: int) -> Floats:
    """The excess over the counts at multiples of the period before."""
    series = len(counts)
    by_phase = counts.reshape(series, -1, period).swapaxes(1, 2)
    judged = excess(by_phase, baseline=baseline, gap=gap, floor=_FLOOR)
    return judged.swapaxes(1, 2).reshape(series, -1)[:, -MONITORED:]


def _deviations(counts: Counts, forecast: Forecast) -> Floats:
    mean = forecast.means
    return np.asarray((_monitored(counts) - mean) / np.sqrt(mean + mean**2 / forecast.sizes))


def _tails(counts: Counts, forecast: Forecast) -> Floats:
    return np.maximum(tail(_monitored(counts), forecast.means, forecast.sizes), _LEAST_TAIL)


def _surprise(counts: Counts, forecast: Forecast) -> Floats:
    return np.asarray(-np.log(_tails(counts, forecast)))


def _hourly_bh(counts: Counts, forecast: Forecast) -> Floats:
    return np.asarray(-np.log(bh_adjusted(_tails(counts, forecast).T).T))


def _lord(counts: Counts, forecast: Forecast) -> Floats:
    """One stream of tests, hour by hour through the series."""
    tails = _tails(counts, forecast).T
    levels = lord_levels(tails.ravel().tolist(), _LORD_LEVEL).reshape(tails.shape)
    return np.asarray(np.log(levels / tails).T)


METHODS = (
    Method("EARS C1 (7 h)", _last_hours, 3.09),
    Method("EARS C2 (same hour, 7 d)", _same_hour, 3.09),
    Method("same hour-of-week z, 8 wk", _same_hour_of_week, 3.09),
    Method("seasonal NB z-score", _deviations, 3.09),
    Method("NB predictive p", _surprise, -np.log(1e-3)),
    Method("NB LR-CUSUM (x2)", _cumulative((2.0,)), np.log(1e4)),
    Method("NB mixture e-CUSUM", _cumulative(MULTIPLIERS), np.log(1e4)),
    Method("BH per hour q=.1", _hourly_bh, -np.log(0.1), pooled=True),
    Method("LORD++ .1 on all p", _lord, 0.0, retuned=False, pooled=True),
)
