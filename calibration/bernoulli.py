"""Run lengths of what watches a user's share of blocked requests: exact tables, and the bound of the e-detectors."""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np
from numpy.random import Generator
from scipy.optimize import brentq

from calibration.bernoulli_exact import Sprt, run_length
from calibration.finding import Finding, within
from calibration.first_passage import Chart, Cusum, ShiryaevRoberts, mean_and_error, passages
from calibration.offender_methods import MIXTURE
from calibration.offender_population import PERMITTED
from streams.detectors.mixture_cusum import bernoulli as likelihood_ratios

RATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
CUSUM_TABLE = {
    2: ("148756", "19141", "2579.30", "226.25", "51.52", "17.26", "10.41", "6.01"),
    3: ("8.856e6", "513132", "28787", "740.62", "91.36", "25.29", "14.56", "8.07"),
    4: ("7.106e8", "1.723e7", "364637", "2251.98", "138.88", "33.85", "19.09", "10.23"),
    5: ("6.668e10", "6.270e8", "4.736e6", "6511.45", "190.67", "42.46", "23.76", "12.56"),
}
"""Mean requests until max(0, S + X - 1/12) is at least h (rows), by rate (columns), as printed."""
PARTS = 12
"""Of one violation, in the lattice."""
SPRT_TABLE = (
    (Sprt(0.02, 0.2, 0.001, 0.05), ("6.8565", "-2.9947"), ("19.53", "21.34"), (20.07, 24.59), (0.00041, 0.9536)),
    (Sprt(0.01, 0.1, 0.001, 0.05), ("6.8565", "-2.9947"), ("41.85", "44.05"), (42.52, 50.32), (0.00046, 0.9528)),
    (Sprt(0.05, 0.3, 0.0001, 0.05), ("9.1590", "-2.9956"), ("14.93", "26.41"), (15.38, 28.71), (5e-5, 0.9549)),
)
"""Wald's bounds and sample numbers as printed; the sample numbers and acceptances that were once simulated."""
BOUNDS = (100.0, 1000.0, 10_000.0)
"""1 / alpha."""
_EXACT = "Bernoulli CUSUM, k = 1/12: mean run length, exact"
_SIMULATED = "Bernoulli CUSUM: the e-CUSUM with one alternative, simulated, within 3 s.e. of exact"
_WALD = "Wald's sequential test: bounds and approximate lengths"
_RUN = "Wald's sequential test, exactly and simulated (within 3 s.e. of exact)"
_NULL = "e-detectors on Bernoulli(.02): mean run length, at least 1/alpha"
_LONGEST = 10_000.0
"""Mean run length up to which a cell is simulated."""
_USERS, _RUNS = 4000, 100_000


def bernoulli() -> Iterator[Finding]:
    """The tables, each exact and by simulation, then the bound."""
    rng = np.random.default_rng(20240302)
    yield from _cusum(rng)
    yield from _sprt(rng)
    yield from _bound(rng)


def lattice_alternative() -> float:
    """The rate whose likelihood ratio against the permitted one makes the reference value exactly 1/12."""

    def excess(rate: float) -> float:
        ratios = likelihood_ratios(PERMITTED, (rate,))
        return ratios.miss[0] + (ratios.hit[0] - ratios.miss[0]) / PARTS

    return float(brentq(excess, 0.05, 0.9, xtol=1e-15))


def cusum_run_length(height: int, rate: float) -> float:
    """A cell of the table."""
    return run_length([PARTS - 1, -1], [rate, 1.0 - rate], height=height * PARTS)


def printed(case: str, measured: float, *, figure: str, table: str) -> Finding:
    """Holds within half a unit of the last digit that was printed, or 1e-4 if that is more."""
    value = Decimal(figure)
    half = float(Decimal(5).scaleb(int(value.as_tuple().exponent) - 1))
    margin = max(half, 1e-4 * abs(float(value))) * (1.0 + 1e-9)
    return Finding(table, case, measured, float(value), float(value) - margin, float(value) + margin)


def _cusum(rng: Generator) -> Iterator[Finding]:
    ratios = likelihood_ratios(PERMITTED, (lattice_alternative(),))
    chart = Cusum(np.array(ratios.miss), np.array([ratios.hit]))
    unit = ratios.hit[0] - ratios.miss[0]
    for height, row in CUSUM_TABLE.items():
        for rate, figure in zip(RATES, row, strict=True):
            exact, case = cusum_run_length(height, rate), f"h={height}, p={rate:g}"
            yield printed(case, exact, figure=figure, table=_EXACT)
            if exact <= _LONGEST:
                level = height * unit - 1e-9
                times = passages(rng, chart, shares=(rate,), thresholds=(level,), users=_USERS)
                mean, error = mean_and_error(times[:, 0])
                yield Finding(_SIMULATED, case, mean, exact, exact - 3.0 * error, exact + 3.0 * error)


def _sprt(rng: Generator) -> Iterator[Finding]:
    for test, bounds, wald, once_lengths, once_accepted in SPRT_TABLE:
        name = f"{test.null:g} against {test.alternative:g}"
        for letter, bound, figure in zip("AB", test.bounds, bounds, strict=True):
            yield printed(f"{name} · ln {letter}", bound, figure=figure, table=_WALD)
        for at, rate in enumerate((test.null, test.alternative)):
            case = f"{name} · p={rate:g}"
            yield printed(f"{case} · length", test.approximate_length(rate), figure=wald[at], table=_WALD)
            length, accepted = test.exact(rate)
            wide = 0.01 if at else 0.15
            yield within(_RUN, f"{case} · length", measured=length, expected=once_lengths[at], tolerance=0.01)
            yield within(_RUN, f"{case} · accepts", measured=accepted, expected=once_accepted[at], tolerance=wide)
            lengths, rejections = test.simulated(rng, rate, _RUNS)
            for what, values, exact in (("length", lengths, length), ("accepts", rejections, accepted)):
                mean, error = mean_and_error(values)
                low, high = exact - 3.0 * error, exact + 3.0 * error
                yield Finding(_RUN, f"{case} · {what}, simulated", mean, exact, low, high)


def _bound(rng: Generator) -> Iterator[Finding]:
    ratios = likelihood_ratios(PERMITTED, MIXTURE)
    charts: tuple[tuple[str, Chart, float], ...] = (
        ("mixture e-CUSUM", Cusum(np.array(ratios.miss), np.array(ratios.hit)[:, np.newaxis]), np.inf),
        ("mixture Shiryaev-Roberts", ShiryaevRoberts(ratios), 4.0),
    )
    for name, chart, most in charts:
        times = passages(rng, chart, shares=(PERMITTED,), thresholds=np.log(BOUNDS), users=_USERS)
        for bound, column in zip(BOUNDS, times.T, strict=True):
            mean, error = mean_and_error(column)
            yield Finding(_NULL, f"{name} · 1/alpha={bound:g} (s.e. {error:.3g})", mean, None, bound, most * bound)
