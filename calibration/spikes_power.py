"""What alarms are worth: false episodes, thresholds for a stated rate of them, share and delay of rises found."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.spikes_series import DAY, MONITORED, Counts, Floats, Rise

Flags = NDArray[np.bool_]

DAYS = MONITORED / DAY
BUSY = 2.0
"""Level per hour from which a series counts for power."""
_QUIET = 6
"""Hours without an alarm after which the next one is a new episode."""
_BISECTIONS = 40


class Found(NamedTuple):
    """How one fleet's rises were found, busy series only."""

    power: float
    sparse: float
    """The same share of the series below `BUSY`."""
    delay: float
    """Median hours from the first hour of the rise to the alarm; NaN when nothing was found."""


def episodes(alarms: Flags) -> int:
    """Alarms of series (rows) over hours (columns), those within six hours of one another taken as one."""
    recent = np.zeros_like(alarms)
    for lag in range(1, _QUIET + 1):
        recent[:, lag:] |= alarms[:, :-lag]
    return int(np.count_nonzero(alarms & ~recent))


def threshold_for(statistic: Floats, a_day: float) -> float:
    """The least threshold, to the bisection's precision, at which a quiet fleet has at most `a_day` episodes."""
    low, high = 0.0, float(statistic.max()) + 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        if episodes(statistic >= middle) > a_day * DAYS:
            low = middle
        else:
            high = middle
    return high


def found(alarms: Flags, starts: Counts, *, rise: Rise, levels: Floats) -> Found:
    """Which rises had an alarm while they lasted, and how late."""
    columns = starts[:, np.newaxis] + np.arange(rise.hours)
    during = alarms[np.arange(len(alarms))[:, np.newaxis], columns]
    seen, busy = during.any(axis=1), levels >= BUSY
    delays = during.argmax(axis=1)[seen & busy]
    delay = float(np.median(delays)) if delays.size else float("nan")
    return Found(float(seen[busy].mean()), float(seen[~busy].mean()), delay)
