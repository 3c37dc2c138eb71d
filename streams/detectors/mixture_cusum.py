"""The mixture CUSUM statistic E <- max(E, 1) L in logs; the caller brings the likelihood ratios L.

Source: Page, Continuous inspection schemes, Biometrika 41 (1954); as an e-detector: Shin, Ramdas and Rinaldo
(arXiv 2203.03532). With E[L | past] <= 1 under the null, the mean time until the mixture reaches A is at least A.
"""

from collections.abc import Sequence
from math import exp, log, log1p
from typing import NamedTuple

Logs = tuple[float, ...]
"""ln E of every component; empty before the first observation."""


class Bernoulli(NamedTuple):
    """ln L of one request per alternative rate; with `shiryaev_roberts.advance` it gives the SR form."""

    hit: Logs
    """It was blocked."""
    miss: Logs
    """It was not."""


def bernoulli(rate: float, alternatives: Sequence[float]) -> Bernoulli:
    """Likelihood ratios of the alternatives against the null `rate`, all in (0, 1).

    >>> [round(x, 6) for x in bernoulli(0.02, [0.2]).hit]
    [2.302585]
    """
    return Bernoulli(
        tuple(log(other / rate) for other in alternatives),
        tuple(log1p(-other) - log1p(-rate) for other in alternatives),
    )


def advance(logs: Logs, log_ratios: Logs) -> tuple[Logs, float]:
    """Take one observation's ln L per component; returns the components and ln of their mean.

    >>> advance((0.5, -2.0), (1.0, 1.0))[0]
    (1.5, 1.0)
    """
    moved = tuple(max(held, 0.0) + ratio for held, ratio in zip(logs, log_ratios, strict=True))
    return moved, log_mean(moved)


def idled(logs: Logs, log_ratios: Logs, *, times: int) -> Logs:
    """max(ln E, 0) after `times` equal observations whose every ln L is negative: no loop is needed.

    >>> idled((5.0, 1.0), (-0.5, -0.5), times=4)
    (3.0, 0.0)
    """
    return tuple(max(0.0, held + times * ratio) for held, ratio in zip(logs, log_ratios, strict=True))


def log_mean(logs: Sequence[float]) -> float:
    """ln of the mean of exp(logs), without overflow."""
    top = max(logs)
    return top + log(sum(exp(one - top) for one in logs) / len(logs))
