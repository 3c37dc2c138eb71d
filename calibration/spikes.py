"""The spike methods on the same simulated series: false alarms, power and delay; it tells what is, and sets no policy.

What the description of the published simulation leaves open was chosen, among a few variants, so that its table comes
out: the daily curve has mean 1, weekends .5 to .9 of weekdays, alarms within six hours are one episode, estimated
standard deviations are at least .5, and methods that judge the series together are tried while one series in five
rises, on which what they find depends. The methods' ranking is a finding; agreement with the table is partly made.
"""

from collections.abc import Iterator
from math import log
from typing import NamedTuple

import numpy as np

from calibration.finding import Finding
from calibration.spikes_findings import Measured, best_sparse, compared, shown
from calibration.spikes_power import DAYS, episodes, found, threshold_for
from calibration.spikes_published import BUDGETED, METHODS, Setting
from calibration.spikes_series import HISTORY, RISES, SERIES, SIZE, Counts, Fleet, Forecast
from calibration.spikes_statistics import METHODS as STATISTICS
from calibration.spikes_statistics import Method, log_ratios, pages

_FLEETS = 16
_SEED = 41
_A_DAY = 1.0
"""False episodes for which the methods are retuned."""
_RISING = 5
"""One series in so many rises for methods that pool them."""
_KNOWN = "means known, D = 24 h"


class _Simulated(NamedTuple):
    fleet: Fleet
    forecast: Forecast
    risen: tuple[tuple[Fleet, Counts], ...]
    """Per rise: the fleet with it, and when it begins."""


def spikes() -> Iterator[Finding]:
    """Both tables; about a minute."""
    fleets = [_measured(_simulated(number)) for number in range(_FLEETS)]
    for method in METHODS:
        yield from compared("spike methods", method, [fleet[method.name] for fleet in fleets])
    yield from best_sparse("spike methods", fleets)
    for setting in BUDGETED:
        yield from compared("spikes by A = K*D", setting, [fleet[setting.name] for fleet in fleets])
    yield shown("spikes by A = K*D", _KNOWN, [fleet[_KNOWN] for fleet in fleets])


def _simulated(number: int) -> _Simulated:
    rng = np.random.default_rng([_SEED, number])
    fleet = Fleet.drawn(rng)
    return _Simulated(fleet, Forecast.of(fleet.counts), tuple(fleet.with_rise(rng, rise) for rise in RISES))


def _measured(simulated: _Simulated) -> dict[str, Measured]:
    by_method = {method.name: _by_method(method, simulated) for method in STATISTICS}
    by_setting = {setting.name: _by_setting(setting, simulated) for setting in BUDGETED}
    return by_method | by_setting | {_KNOWN: _with_known_means(simulated.fleet)}


def _by_method(method: Method, simulated: _Simulated) -> Measured:
    fleet, forecast, risen = simulated
    quiet = method.statistic(fleet.counts, forecast)
    threshold = threshold_for(quiet, _A_DAY) if method.retuned else method.nominal
    rising = np.arange(SERIES) % (_RISING if method.pooled else 1) == 0
    results = []
    for rise, (raised, starts) in zip(RISES, risen, strict=True):
        counts = np.where(rising[:, np.newaxis], raised.counts, fleet.counts)
        alarms = method.statistic(counts, forecast) >= threshold
        results.append(found(alarms[rising], starts[rising], rise=rise, levels=fleet.levels[rising]))
    return Measured(episodes(quiet >= method.nominal) / DAYS, tuple(results))


def _by_setting(setting: Setting, simulated: _Simulated) -> Measured:
    fleet, forecast, risen = simulated
    null = forecast._replace(means=forecast.means * setting.tolerance)
    threshold = log(SERIES * setting.hours)
    quiet = pages(log_ratios(fleet.counts[:, HISTORY:], null), threshold)
    results = []
    for rise, (raised, starts) in zip(RISES, risen, strict=True):
        alarms = pages(log_ratios(raised.counts[:, HISTORY:], null), threshold)
        results.append(found(alarms, starts, rise=rise, levels=fleet.levels))
    return Measured(int(quiet.sum()) / DAYS, tuple(results))


def _with_known_means(fleet: Fleet) -> Measured:
    """What remains of the false pages at tolerance 1.0 when nothing is estimated."""
    means = fleet.means[:, HISTORY:]
    quiet = pages(log_ratios(fleet.counts[:, HISTORY:], Forecast(means, np.full_like(means, SIZE))), log(SERIES * 24.0))
    return Measured(int(quiet.sum()) / DAYS, ())
