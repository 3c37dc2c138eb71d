"""The mixture Shiryaev-Roberts statistic R <- (1 + R) L in logs; the caller brings the likelihood ratios or bets L.

Source: Shin, Ramdas and Rinaldo, E-detectors: a nonparametric framework for sequential change detection
(arXiv 2203.03532). With E[L | past] <= 1 under the null, the mean time until the mixture reaches A is at least A;
the first of K such statistics, however dependent, takes at least A / K.
"""

from collections.abc import Sequence
from math import exp, log, log1p

Evidence = tuple[float, ...]
"""ln(1 + R) of every component: finite, never negative, and 0 at the start, so that it survives JSON."""


def nothing(components: int) -> Evidence:
    """The evidence before the first observation."""
    return (0.0,) * components


def held(evidence: Evidence, components: int) -> Evidence:
    """The evidence, or none where it is empty or belongs to a mixture of another size: a policy may change it."""
    return evidence if len(evidence) == components else nothing(components)


def advance(evidence: Evidence, log_ratios: Sequence[float]) -> tuple[Evidence, float]:
    """Take one observation's ln L per component; returns the new evidence and ln of the components' mean R.

    >>> evidence, log_mean = advance(nothing(1), [0.5])
    >>> log_mean
    0.5
    """
    logs = [held + ratio for held, ratio in zip(evidence, log_ratios, strict=True)]
    return tuple(map(_log1p_exp, logs)), _log_mean(logs)


def _log1p_exp(x: float) -> float:
    return x + log1p(exp(-x)) if x > 0.0 else log1p(exp(x))


def _log_mean(logs: Sequence[float]) -> float:
    top = max(logs)
    return top + log(sum(exp(x - top) for x in logs) / len(logs))
