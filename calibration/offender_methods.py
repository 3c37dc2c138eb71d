"""Six statistics for repeat offenders, at every violation of many users at once; none decides anything.

Three are ours (tests hold them to the detectors' own code), three are what others use.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import gammaincc

from calibration.offender_population import PERMITTED, Floats, Ints, Paths
from streams.detectors.mixture_cusum import bernoulli

HALF_LIFE = 7.0
"""Days."""
PRIOR = (0.5, 100.0)
"""Gamma prior of the rate: violations, requests; the population's own."""
MIXTURE = (0.05, 0.1, 0.2, 0.4, 0.7)
"""Rates of offenders against `PERMITTED`."""
LEAST_REQUESTS = 6
"""Requests before which the Wilson score says nothing: else one block at the start would flag anybody."""


class Sums(NamedTuple):
    """What a user did up to each violation, its own request included."""

    violations: Floats
    """Decayed."""
    requests: Floats
    """Decayed."""
    seen: Ints
    """Requests, not decayed."""


def in_window(paths: Paths, days: float = 1.0) -> Floats:
    """Violations of the user in the last `days`."""
    keys = paths.owners * (float(paths.times.max(initial=0.0)) + days + 1.0) + paths.times
    return np.arange(1.0, len(keys) + 1.0) - np.searchsorted(keys, keys - days, side="right")


def bucket(paths: Paths, half_life: float = 1.0) -> Floats:
    """A bucket that each violation fills by one and that leaks half of what is in it per `half_life` days."""
    return _leaking(paths, half_life, np.ones(len(paths.times)))


def decayed(paths: Paths, half_life: float = HALF_LIFE) -> Sums:
    """Violations and requests, both halved per `half_life` days."""
    step = paths.gaps / np.maximum(paths.cleans, 1) * (np.log(2.0) / half_life)
    some = paths.cleans > 0
    requests: Floats = np.ones(len(step))
    one, all_of_them = step[some], step[some] * paths.cleans[some]
    requests[some] += np.exp(-one / 2.0) * np.expm1(-all_of_them) / np.expm1(-one)
    seen = np.cumsum(paths.cleans + 1)
    before = np.concatenate(([0], seen))[paths.firsts]
    return Sums(bucket(paths, half_life), _leaking(paths, half_life, requests), seen - before[paths.owners])


def wilson_score(sums: Sums) -> Floats:
    """The z at which the lower end of Wilson's interval is the permitted rate."""
    hits, requests, seen = sums
    score = (hits / requests - PERMITTED) / np.sqrt(PERMITTED * (1.0 - PERMITTED) / requests)
    return np.where(seen >= LEAST_REQUESTS, score, -np.inf)


def posterior(sums: Sums, prior: tuple[float, float] = PRIOR) -> Floats:
    """Gamma-Poisson P(rate > permitted rate)."""
    hits, requests, _ = sums
    probability: Floats = gammaincc(prior[0] + hits, (prior[1] + requests) * PERMITTED)
    return probability


def e_cusum(paths: Paths, alternatives: Sequence[float] = MIXTURE) -> Floats:
    """ln of the mixture CUSUM against the permitted rate, right after each violation."""
    ratios = bernoulli(PERMITTED, alternatives)
    hit, miss = np.array(ratios.hit)[:, np.newaxis], np.array(ratios.miss)[:, np.newaxis]
    logs, out = np.zeros((len(alternatives), len(paths.counts))), np.empty(len(paths.times))
    for at in paths.rounds():
        now = np.maximum(logs[:, : len(at)] + paths.cleans[at] * miss, 0.0) + hit
        logs[:, : len(at)] = now
        out[at] = log_mean(now)
    return out


def log_mean(logs: Floats) -> Floats:
    """ln of the mean of exp(logs) over the components, the first axis."""
    top = logs.max(axis=0)
    mean: Floats = top + np.log(np.exp(logs - top).mean(axis=0))
    return mean


def _leaking(paths: Paths, half_life: float, amounts: Floats) -> Floats:
    kept = np.exp2(-paths.gaps / half_life)
    held, out = np.zeros(len(paths.counts)), np.empty(len(amounts))
    for at in paths.rounds():
        out[at] = held[: len(at)] = held[: len(at)] * kept[at] + amounts[at]
    return out


class Method(NamedTuple):
    """One way to find repeat offenders: flag whoever's statistic reaches a threshold."""

    name: str
    statistic: Callable[[Paths], Floats]


METHODS = (
    Method("count in 24 h", in_window),
    Method("leaky bucket 1 d", bucket),
    Method("Wilson score 7 d", lambda paths: wilson_score(decayed(paths))),
    Method("Gamma-Poisson 7 d", lambda paths: posterior(decayed(paths))),
    Method("Bernoulli CUSUM .02 to .2", lambda paths: e_cusum(paths, (0.2,))),
    Method("mixture e-CUSUM", e_cusum),
)
