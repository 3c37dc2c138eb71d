"""Severity-weighted evidence against plain counting and points, all at the same mean time between false alarms.

The four offenders and the buckets' half-life, 200 requests, are ours: the table that is compared with names them only.
"""

from collections.abc import Iterator, Sequence
from math import log

import numpy as np
from numpy.random import Generator

from calibration.bernoulli_exact import run_length
from calibration.finding import Finding, within
from calibration.first_passage import Bucket, Chart, Cusum, Floats, mean_and_error, passages
from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.severity_cusum import weights

TARGET = 1e5
"""Requests between two false alarms of a benign user, on average."""
OFFENDERS = {
    "all x10": (0.16, 0.034, 0.006),
    "low-severity drip": (0.28, 0.02, 0.0),
    "rare high severity": (0.016, 0.008, 0.016),
    "mild x3": (0.048, 0.0102, 0.0018),
}
"""Shares of requests blocked with low, medium and high severity."""
EXPECTED = {
    "binary CUSUM": (30.8, 17.6, 3757.0, 602.0),
    "severity mixture": (32.2, 16.4, 252.0, 319.0),
    "leaky bucket 1/1/1": (73.2, 46.8, 864.0, 350.0),
    "leaky bucket 1/3/10": (114.5, 105.8, 218.0, 786.0),
}
"""Requests until detection, offenders in the same order."""
_TABLE = "severity: mean requests to detection at a mean run length of 1e5"
_NULL = "severity mixture on benign requests: mean run length, at least 1/alpha"
_BINARY_STEPS = (34, -3)
"""The CUSUM of .2 against .02 in 37ths of a violation: its reference value is ln(.98/.8) / ln(12.25) = 3/37."""
_HALF_LIFE = 200.0
"""Requests."""
_BENIGN_USERS, _OFFENDING_USERS = 1000, 4000
_BOUNDS = (100.0, 1000.0, 10_000.0)


def severity() -> Iterator[Finding]:
    """The table, then the bound of the mixture."""
    rng = np.random.default_rng(20240303)
    benign = RepeatOffenderPolicy().benign_shares
    yield from _rows("binary CUSUM", [binary_run_length(sum(shares)) for shares in OFFENDERS.values()])
    for name, chart, levels in (
        ("severity mixture", severity_chart(), np.linspace(7.5, 9.5, 41)),
        ("leaky bucket 1/1/1", Bucket(np.array([1.0, 1.0, 1.0]), _HALF_LIFE), np.linspace(11.0, 14.0, 31)),
        ("leaky bucket 1/3/10", Bucket(np.array([1.0, 3.0, 10.0]), _HALF_LIFE), np.linspace(26.0, 33.0, 29)),
    ):
        level = _level_of_target(rng, chart, levels)
        delays = [_delay(rng, chart, shares, level) for shares in OFFENDERS.values()]
        yield from _rows(name, delays)
    times = passages(rng, severity_chart(), shares=benign, thresholds=np.log(_BOUNDS), users=_BENIGN_USERS)
    for bound, column in zip(_BOUNDS, times.T, strict=True):
        mean, error = mean_and_error(column)
        yield Finding(_NULL, f"1/alpha={bound:g} (s.e. {error:.3g})", mean, None, bound)


def severity_chart() -> Cusum:
    """The mixture with the detector's own weights for its default profiles."""
    policy = RepeatOffenderPolicy()
    scale = weights(policy.benign_shares, policy.offender_profiles, ceiling=np.inf)
    return Cusum(np.array(scale.clean), np.array(scale.blocked[1:]).T)


def binary_run_length(rate: float) -> float:
    """Exact; the height is the one that brings a benign user closest to the target."""
    heights = range(100, 160)
    lengths = np.array([run_length(_BINARY_STEPS, (0.02, 0.98), height=height) for height in heights])
    height = heights[int(np.argmin(np.abs(np.log(lengths / TARGET))))]
    return run_length(_BINARY_STEPS, (rate, 1.0 - rate), height=height)


def _level_of_target(rng: Generator, chart: Chart, levels: Floats) -> float:
    """Where the mean run length, which grows exponentially, is the target."""
    shares = RepeatOffenderPolicy().benign_shares
    lengths = passages(rng, chart, shares=shares, thresholds=levels, users=_BENIGN_USERS).mean(axis=0)
    return float(np.interp(log(TARGET), np.log(lengths), levels))


def _delay(rng: Generator, chart: Chart, shares: Sequence[float], level: float) -> float:
    return mean_and_error(passages(rng, chart, shares=shares, thresholds=(level,), users=_OFFENDING_USERS)[:, 0])[0]


def _rows(name: str, delays: Sequence[float]) -> Iterator[Finding]:
    for offender, delay, expected in zip(OFFENDERS, delays, EXPECTED[name], strict=True):
        yield within(_TABLE, f"{offender} · {name}", measured=delay, expected=expected)
