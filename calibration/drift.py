"""False alarms and delays of the groundedness-drift method beside other charts; published values are a prototype's.

The laws: scores Beta(8.5, 1.5), mean 0.85, which fall to a mean m, Beta(10 m, 10 - 10 m). Delays are steady-state
means, with 500 scores before the change. Every case tells its standard error. Two kinds of published cells are not
reproduced, and bounded on one side only: the false alarms within 2,000 scores of an estimated reference are fewer where
errors or a margin are allowed for, and the mean time of the CUSUM form at 1/alpha is longer (its published threshold
for 10,000 scores, 292, is reproduced, and this time grows in proportion to the threshold).
"""

from collections.abc import Iterable, Iterator
from math import inf, sqrt
from typing import NamedTuple

import numpy as np

from calibration.finding import Finding, within
from calibration.references.chart import Chart, Floats
from calibration.references.cusum import Cusum
from calibration.references.ewma import Ewma
from calibration.references.page_hinkley import PageHinkley
from calibration.references.score_e_detectors import BetaCusum, BettingCusum, BettingShiryaevRoberts, BothStreams
from calibration.score_paths import Draw, Measured, Size, bernoulli, chasing, constant, dropping, swinging, waits

MEAN, DEVIATION = 0.85, sqrt(0.85 * 0.15 / 11.0)
LOW_SHARE = 0.007042
"""P(score < 0.5) under Beta(8.5, 1.5)."""
FALLS = (0.83, 0.80, 0.75, 0.65)
_QUIET = dropping(MEAN)
_TUNED = "drift: delay, every threshold tuned to a false alarm per 10,000 scores"
_BUDGET = "drift: threshold 1/alpha, nothing tuned"
_NULL = "drift: mean time to a false alarm on null scores, alpha 0.001"
_ESTIMATED = "drift: estimated reference, alpha 0.0001"
_COMPLETE = "drift: complete detector with defaults"


class Tuned(NamedTuple):
    """A chart with the threshold that gives a false alarm per 10,000 scores, and its published delays."""

    name: str
    chart: Chart
    threshold: float
    delays: tuple[float, float, float, float, float]
    """To 0.83, 0.80, 0.75, 0.65, and to 0.75 within 500 scores."""


TUNED = (
    Tuned("CUSUM k=.25", Cusum(0.25, MEAN, DEVIATION), 15.06, (458, 60, 20.7, 9.1, 205)),
    Tuned("CUSUM k=.5", Cusum(0.5, MEAN, DEVIATION), 9.44, (1136, 111, 21.0, 7.3, 255)),
    Tuned("EWMA .05", Ewma(0.05, MEAN, DEVIATION), 3.85, (620, 72, 21.2, 8.5, 220)),
    Tuned("EWMA .2", Ewma(0.2, MEAN, DEVIATION), 4.49, (1805, 255, 35.5, 7.5, 318)),
    Tuned("Page-Hinkley .005", PageHinkley(0.005), 6.10, (1273, 134, 59.3, 28.1, 264)),
    Tuned("Page-Hinkley .025", PageHinkley(0.025), 2.68, (7110, 137, 35.9, 15.2, 274)),
    Tuned("SR e-detector", BettingShiryaevRoberts(MEAN), 9355, (255, 62, 24.3, 12.2, 196)),
    Tuned("CUSUM e-detector", BettingCusum(MEAN), 292, (274, 56, 20.2, 10.1, 194)),
    Tuned("LR-CUSUM, law known", BetaCusum(MEAN, 0.80), 6.57, (354, 53, 21.3, 11.0, 192)),
)
UNTUNED = {1e3: (110, 34, 15, 8), 1e4: (261, 63, 24, 12), 1e5: (408, 86, 32, 16), 1e6: (550, 111, 39, 19)}
"""1/alpha → published delays of the SR e-detector."""
NULL_LAWS: dict[str, Draw] = {
    "Beta": _QUIET,
    "Bernoulli": bernoulli,
    "constant": constant,
    "dependent, swinging": swinging,
    "dependent, chasing": chasing,
}


class Reference(NamedTuple):
    """How the null mean is learned, and what was published for it."""

    scores: int
    errors: float
    margin: float
    early: float
    """Share of series with a false alarm within 2,000 scores."""
    delays: tuple[float, float]
    """From the first score on, to 0.80 and 0.75."""


REFERENCES = (
    Reference(200, 0, 0, 0.31, (80, 29)),
    Reference(1000, 0, 0, 0.198, (75, 29)),
    Reference(1000, 2, 0, 0.040, (100, 32)),
    Reference(1000, 2, 0.01, 0.007, (153, 39)),
    Reference(5000, 0, 0.01, 0.010, (112, 34)),
    Reference(5000, 2, 0.01, 0.005, (128, 36)),
)


def drift() -> Iterable[Finding]:
    """All tables."""
    yield from _tuned()
    yield from _untuned()
    yield from _null()
    yield from _estimated()
    yield from _complete()


def _tuned() -> Iterator[Finding]:
    for name, chart, threshold, delays in TUNED:
        quiet = Measured.of(waits(chart, threshold, _QUIET, seed=11, size=Size(1000)))
        yield within(_TUNED, _case(name, "none", quiet), measured=quiet.mean, expected=1e4)
        laws = {f"to {mean:.2f}": dropping(mean) for mean in FALLS} | {"ramp to 0.75": dropping(0.75, over=500)}
        for (what, law), expected in zip(laws.items(), delays, strict=True):
            delay = Measured.of(waits(chart, threshold, law, seed=12, size=Size(2000, 500)))
            yield within(_TUNED, _case(name, what, delay), measured=delay.mean, expected=expected)


def _untuned() -> Iterator[Finding]:
    ours = BettingShiryaevRoberts(MEAN)
    for budget, published in ((1e3, 1110.0), (1e4, 10_273.0)):
        quiet = Measured.of(waits(ours, budget, _QUIET, seed=21, size=Size(1500)))
        case = _case(f"SR 1/alpha {budget:,.0f}", "none", quiet)
        yield Finding(_BUDGET, case, quiet.mean, published, budget, 1.5 * budget)
    for budget, delays in UNTUNED.items():
        for mean, expected in zip(FALLS, delays, strict=True):
            delay = Measured.of(waits(ours, budget, dropping(mean), seed=22, size=Size(2000, 500)))
            case = _case(f"SR 1/alpha {budget:,.0f}", f"to {mean:.2f}", delay)
            yield within(_BUDGET, case, measured=delay.mean, expected=expected)
    cumulative = Measured.of(waits(BettingCusum(MEAN), 1e3, _QUIET, seed=23, size=Size(300)))
    yield Finding(_BUDGET, _case("CUSUM form 1/alpha 1,000", "none", cumulative), cumulative.mean, 23_016, 1e3)


def _null() -> Iterator[Finding]:
    for law, draw in NULL_LAWS.items():
        yield _at_least("SR", law, BettingShiryaevRoberts(MEAN), draw, 2000)
    for law in ("Beta", "Bernoulli", "dependent, swinging"):
        yield _at_least("CUSUM form", law, BettingCusum(MEAN), NULL_LAWS[law], 60)
    yield _at_least("both streams", "Beta", BothStreams(MEAN, LOW_SHARE, low=0.5), _QUIET, 2000)
    yield _at_least("both streams", "Bernoulli, one twice", BothStreams(MEAN, 0.15, low=0.5), bernoulli, 2000)


def _at_least(name: str, law: str, chart: Chart, draw: Draw, paths: int) -> Finding:
    """The promise, less three standard errors that the simulation would have if it were just kept."""
    wait = Measured.of(waits(chart, 1e3, draw, seed=31, size=Size(paths)))
    return Finding(_NULL, _case(name, law, wait), wait.mean, 1e3, 1e3 - (3e3 / sqrt(paths) if wait.error else 0.0), inf)


def _estimated() -> Iterator[Finding]:
    for number, row in enumerate(REFERENCES):
        means, errors, _ = learned(row.scores, paths=6000, seed=40 + number)
        chart = BettingShiryaevRoberts(means - row.errors * errors - row.margin)
        name = f"n={row.scores} {row.errors:.0f} SE + {row.margin}"
        early = _early(chart)
        case, least = _case(name, "alarm within 2,000", early), 0.0 if row.errors or row.margin else 0.85 * row.early
        yield Finding(_ESTIMATED, case, early.mean, row.early, least, 1.15 * row.early)
        for mean, expected in zip((0.80, 0.75), row.delays, strict=True):
            delay = Measured.of(waits(chart, 1e4, dropping(mean), seed=46, size=Size(6000)))
            yield within(_ESTIMATED, _case(name, f"to {mean:.2f}", delay), measured=delay.mean, expected=expected)


def _complete() -> Iterator[Finding]:
    """Reference of 1,000, two standard errors and 0.01 for both streams; no published values."""
    means, errors, lows = learned(1000, paths=6000, seed=50)
    share = (1000.0 * lows + 2.0) / 1004.0
    null = means - 2.0 * errors - 0.01
    alone = BettingShiryaevRoberts(null)
    both = BothStreams(null, share + 2.0 * np.sqrt(share * (1.0 - share) / 1004.0) + 0.01, low=0.5)
    early = _early(both)
    yield Finding(_COMPLETE, _case("both streams", "alarm within 2,000", early), early.mean, None, 0.0, 0.02)
    for mean in FALLS[1:]:
        charts: dict[str, Chart] = {"mean only": alone, "both streams": both}
        for name, chart in charts.items():
            delay = Measured.of(waits(chart, 1e4, dropping(mean), seed=51, size=Size(6000)))
            yield Finding(_COMPLETE, _case(name, f"to {mean:.2f}", delay), delay.mean)


def learned(scores: int, *, paths: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Mean, its standard error and the share below 0.5, of so many reference scores of every path."""
    rows = [np.random.default_rng((seed, path)).beta(8.5, 1.5, scores) for path in range(paths)]
    kept = [(row.mean(), row.std(ddof=1) / sqrt(scores), (row < 0.5).mean()) for row in rows]
    means, errors, lows = np.array(kept).T
    return means, errors, lows


def _early(chart: Chart) -> Measured:
    alarmed = waits(chart, 1e4, _QUIET, seed=47, size=Size(6000, longest=2000)) <= 2000
    return Measured.of(alarmed.astype(float))


def _case(name: str, what: str, measured: Measured) -> str:
    return f"{name} · {what} (± {measured.error:.2g})"
