"""Measured false alarms, power and delay beside the published ones, averaged over fleets; it simulates nothing.

The published numbers are of one fleet, so each may differ by chance alone. A number holds within 15 % (false alarms),
15 % or 1 h (delays), or three standard errors of the difference, whichever is more; a share within .05 plus three
standard errors. The standard error that is printed is that of the mean over our fleets.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import inf, isnan, sqrt
from typing import NamedTuple

import numpy as np

from calibration.finding import Finding
from calibration.spikes_power import Found
from calibration.spikes_published import BEST_SPARSE_POWER, METHODS, Published, Setting
from calibration.spikes_series import RISES, SERIES

_BUSY_SERIES = 93
"""Of the published fleet: those that counted for power."""
_TOO_FEW = 15
"""Series found below which a published median delay is shown for comparison only."""


class Measured(NamedTuple):
    """One method on one fleet."""

    false_a_day: float
    found: tuple[Found, ...]
    """Per rise."""


def compared(table: str, published: Published | Setting, fleets: Sequence[Measured]) -> Iterator[Finding]:
    """One method or setting: false alarms, then power and delay per rise."""
    yield _false_alarms(table, published, [fleet.false_a_day for fleet in fleets])
    for index, (rise, (power, delay)) in enumerate(zip(RISES, published.rises, strict=True)):
        case = f"{published.name} · {rise.name}"
        yield _share(table, case, expected=power, shares=[fleet.found[index].power for fleet in fleets])
        delays = [fleet.found[index].delay for fleet in fleets if not isnan(fleet.found[index].delay)]
        if delay is not None and delays:
            is_firm = power * _BUSY_SERIES >= _TOO_FEW
            yield (
                _delay(table, case, expected=delay, delays=delays) if is_firm else _unbound(table, case, delay, delays)
            )


def best_sparse(table: str, fleets: Sequence[Mapping[str, Measured]]) -> Iterator[Finding]:
    """Per rise, the power of the best method on the sparse series: they are to be summed up, not tuned."""
    for index, (rise, expected) in enumerate(zip(RISES, BEST_SPARSE_POWER, strict=True)):
        shares = {name.name: [fleet[name.name].found[index].sparse for fleet in fleets] for name in METHODS}
        best = max(shares.values(), key=_mean)
        yield _share(table, f"best below 2/h · {rise.name}", expected=expected, shares=best, of=SERIES - _BUSY_SERIES)


def shown(table: str, name: str, fleets: Sequence[Measured]) -> Finding:
    """False alarms for comparison only."""
    rates = [fleet.false_a_day for fleet in fleets]
    return Finding(table, f"{name} · false/day ±{_error(rates):.2g}", _mean(rates))


def _false_alarms(table: str, published: Published | Setting, rates: list[float]) -> Finding:
    """For a setting what counts is its budget, 24 / D a day."""
    expected = published.false_a_day
    margin = max(0.15 * expected, 3.0 * _difference(rates))
    low, high = (
        (0.0, 24.0 / published.hours) if isinstance(published, Setting) else (expected - margin, expected + margin)
    )
    return Finding(table, f"{published.name} · false/day ±{_error(rates):.2g}", _mean(rates), expected, low, high)


def _share(table: str, case: str, *, expected: float, shares: list[float], of: int = _BUSY_SERIES) -> Finding:
    mean, error = _mean(shares), _error(shares)
    margin = 0.05 + 3.0 * sqrt(error**2 + mean * (1.0 - mean) / of)
    return Finding(table, f"{case} · power ±{error:.2g}", mean, expected, expected - margin, expected + margin)


def _delay(table: str, case: str, *, expected: float, delays: list[float]) -> Finding:
    margin = max(1.0, 0.15 * expected, 3.0 * _difference(delays))
    case = f"{case} · hours ±{_error(delays):.2g}"
    return Finding(table, case, _mean(delays), expected, expected - margin, expected + margin)


def _unbound(table: str, case: str, expected: float, delays: list[float]) -> Finding:
    return Finding(table, f"{case} · hours ±{_error(delays):.2g} (few)", _mean(delays), expected, -inf, inf)


def _difference(values: list[float]) -> float:
    """Standard error of the mean of our fleets less the value of one fleet."""
    return _spread(values) * sqrt(1.0 + 1.0 / len(values))


def _error(values: list[float]) -> float:
    return _spread(values) / sqrt(len(values))


def _spread(values: list[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _mean(values: list[float]) -> float:
    return float(np.mean(values))
