"""Tests of a stream or a batch of p-values at a false discovery rate: LORD++, LOND, SAFFRON and Benjamini-Hochberg.

Sources: Ramdas et al., Online control of the false discovery rate with decaying memory (arXiv 1710.00499), LORD++;
Javanmard and Montanari, On online control of false discovery rate (arXiv 1502.06197), LOND; Ramdas et al., SAFFRON
(arXiv 1802.09098); Benjamini and Hochberg, JRSS B 57 (1995). Defaults are those of the R package onlineFDR.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def slow_gammas(tests: int) -> Floats:
    """The decreasing sequence of LORD++ and LOND; the sum over any stream is below 1."""
    index = np.arange(1, tests + 1, dtype=float)
    return np.asarray(0.07720838 * np.log(np.maximum(index, 2.0)) / (index * np.exp(np.sqrt(np.log(index)))))


def fast_gammas(tests: int) -> Floats:
    """The decreasing sequence of SAFFRON."""
    return np.asarray(0.4374901658 * np.arange(1, tests + 1, dtype=float) ** -1.6)


def lord_levels(p_values: Sequence[float], alpha: float) -> Floats:
    """The level at which LORD++ tests each p-value; it is rejected where p <= level."""
    gammas = slow_gammas(len(p_values))
    levels = alpha / 10.0 * gammas
    earned = alpha - alpha / 10.0
    for test, p_value in enumerate(p_values):
        if p_value <= levels[test]:
            levels[test + 1 :] += earned * gammas[: len(levels) - test - 1]
            earned = alpha
    return levels


def lond_levels(p_values: Sequence[float], alpha: float) -> Floats:
    """The level at which LOND tests each p-value: it grows with the number of earlier rejections."""
    levels = alpha * slow_gammas(len(p_values))
    rejected = 0
    for test, p_value in enumerate(p_values):
        levels[test] *= rejected + 1
        rejected += p_value <= levels[test]
    return levels


def saffron_levels(p_values: Sequence[float], alpha: float, *, candidate: float = 0.5) -> Floats:
    """The level at which SAFFRON tests each p-value; those up to `candidate` cost nothing."""
    gammas = fast_gammas(len(p_values))
    levels = np.empty(len(p_values))
    free = np.concatenate(([0], np.cumsum(np.asarray(p_values) <= candidate)))
    earnings: list[tuple[int, float]] = [(-1, alpha / 2.0)]
    for test, p_value in enumerate(p_values):
        paid = [amount * gammas[_spent(free, since, test)] for since, amount in earnings]
        levels[test] = min(candidate, (1.0 - candidate) * sum(paid))
        if p_value <= levels[test]:
            earnings.append((test, alpha / 2.0 if len(earnings) == 1 else alpha))
    return levels


def bh_adjusted(p_values: ArrayLike) -> Floats:
    """The least rate q at which Benjamini-Hochberg rejects each p-value of a batch; batches run along the last axis.

    >>> bh_adjusted([0.01, 0.9, 0.02]).round(2).tolist()
    [0.03, 0.9, 0.03]
    """
    values = np.asarray(p_values, float)
    order = np.argsort(values, axis=-1)
    ranked = np.take_along_axis(values, order, axis=-1) * values.shape[-1] / np.arange(1, values.shape[-1] + 1)
    least = np.minimum.accumulate(ranked[..., ::-1], axis=-1)[..., ::-1]
    adjusted = np.empty_like(values)
    np.put_along_axis(adjusted, order, least, axis=-1)
    return adjusted


def _spent(free: NDArray[np.int64], since: int, test: int) -> int:
    """Tests after rejection `since` and before `test` that were no candidates; index into the sequence."""
    return int(test - since - 1 - (free[test] - free[since + 1]))
