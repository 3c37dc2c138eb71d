"""What the methods do to good users at the thresholds that people use, and how much the prior matters."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.random import Generator

from calibration.finding import Finding, within
from calibration.offender_methods import Sums, decayed, e_cusum, in_window, posterior, wilson_score
from calibration.offender_population import DAYS, PERMITTED, Benign, Floats, Paths, Phase, drawn

_SHARES = "good users ever flagged in 30 days, at nominal thresholds"
_PRIORS = "Gamma-Poisson at P > .99 under other priors"
_BOUNDARY = "users exactly at the permitted rate, 300 requests a day, ever flagged in 30 days"
_RESTRICT, _BLOCK, _EVIDENCE = 0.99, 0.999, np.log(1e6)
_AT_THE_BOUNDARY = 60_000
_TOO_TIGHT = (2.0, 400.0)


def nominal(
    rng: Generator, populations: Sequence[Benign], *, at_the_boundary: int = _AT_THE_BOUNDARY
) -> Iterator[Finding]:
    """All good users of the populations together."""
    sums = [decayed(one.paths) for one in populations]
    yield from _rules(populations, sums)
    yield from _priors(rng, populations, sums)
    yield from _at_the_boundary(rng, at_the_boundary)


def _flagged(populations: Sequence[Benign], statistics: Sequence[Floats], level: float) -> float:
    """Share of the good users who ever exceed `level`."""
    pairs = zip(populations, statistics, strict=True)
    reached = np.concatenate([one.paths.highest(values)[one.good] for one, values in pairs])
    return float(np.mean(reached > level))


def _rules(populations: Sequence[Benign], sums: Sequence[Sums]) -> Iterator[Finding]:
    above = float(np.mean([1.0 - one.good.mean() for one in populations]))
    yield within(_SHARES, "users truly above the permitted rate", measured=above, expected=0.048)
    counts = [in_window(one.paths) for one in populations]
    for least, expected in ((3, 0.085), (5, 0.023), (10, 0.0029)):
        measured = _flagged(populations, counts, least - 0.5)
        yield within(_SHARES, f">= {least} violations in 24 h", measured=measured, expected=expected)
    scores = [wilson_score(one) for one in sums]
    measured = _flagged(populations, scores, 1.96)
    yield within(_SHARES, "95 % Wilson bound above r0", measured=measured, expected=0.0305)
    yield Finding(_SHARES, "99.9 % Wilson bound above r0", _flagged(populations, scores, 3.29), 0.0051, 0.0025, 0.0077)
    chances = [posterior(one) for one in sums]
    for level, expected, most in ((0.95, 1.6e-4, 4e-4), (0.99, 5e-5, 1.5e-4), (0.999, 0.0, 5e-5)):
        measured = _flagged(populations, chances, level)
        yield Finding(_SHARES, f"Gamma-Poisson P > {level:g}", measured, expected, 0.0, most)


def _priors(rng: Generator, populations: Sequence[Benign], sums: Sequence[Sums]) -> Iterator[Finding]:
    plain = _steady(rng, users=1000, volume=20.0, rate=0.5)
    slow = _steady(rng, users=1000, volume=3.0, rate=0.3)
    for name, prior, expected, most, violations in (
        ("matched .5/100", (0.5, 100.0), 5e-5, 1.5e-4, 7),
        ("twice the mean .5/50", (0.5, 50.0), 1.1e-4, 3e-4, 5),
        ("half the mean .5/200", (0.5, 200.0), 0.0, 5e-5, 11),
        ("too tight 2/400", _TOO_TIGHT, 0.0, 5e-5, 16),
        ("flat .5/0", (0.5, 0.0), 0.013, 0.015, 1),
    ):
        measured = _flagged(populations, [posterior(one, prior) for one in sums], _RESTRICT)
        least = 0.85 * expected if prior[1] == 0.0 else 0.0
        yield Finding(_PRIORS, f"{name} · good users flagged", measured, expected, least, most)
        needed = _median_violations(plain, posterior(decayed(plain), prior))
        tolerance = max(0.15, 1.0 / violations)
        case = f"{name} · violations until p=.5 is flagged"
        yield within(_PRIORS, case, measured=needed, expected=violations, tolerance=tolerance)
    power = float(np.mean(slow.highest(posterior(decayed(slow), _TOO_TIGHT)) > _RESTRICT))
    yield Finding(_PRIORS, "too tight 2/400 · power against low and slow", power, 0.03, 0.0, 0.08)


def _median_violations(paths: Paths, statistic: Floats) -> float:
    owners, hits = paths.owners, np.flatnonzero(statistic > _RESTRICT)
    users, first = np.unique(owners[hits], return_index=True)
    return float(np.median(hits[first] - paths.firsts[users] + 1)) if users.size else np.inf


def _at_the_boundary(rng: Generator, users: int) -> Iterator[Finding]:
    paths = _steady(rng, users=users, volume=300.0, rate=PERMITTED)
    chances = paths.highest(posterior(decayed(paths)))
    yield within(_BOUNDARY, "P > .99", measured=float(np.mean(chances > _RESTRICT)), expected=0.020)
    yield Finding(_BOUNDARY, "P > .999", float(np.mean(chances > _BLOCK)), 0.0013, 0.0007, 0.0019)
    evidence = paths.highest(e_cusum(paths))
    yield Finding(_BOUNDARY, "mixture e-CUSUM > ln 1e6", float(np.mean(evidence > _EVIDENCE)), 0.00075, 0.0003, 0.0012)


def _steady(rng: Generator, *, users: int, volume: float, rate: float) -> Paths:
    return drawn(rng, np.full(users, volume), [Phase(DAYS, np.full(users, rate))])
