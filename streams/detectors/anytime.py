"""Bounds that hold at all times at once, so that one may look after every request; they decide nothing.

Source: Howard, Ramdas, McAuliffe and Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences, Annals of
Statistics 49 (2021): conjugate mixtures. `s` is a sum of centred increments, `v` its intrinsic time (variance); a
mixture is tightest near the intrinsic time `v_opt`, which is chosen before the data.
"""

from collections.abc import Callable
from math import inf, log, log1p

from scipy.special import betaincc, betaln, gammaincc, gammaln

from streams.detectors.confidence import Range

_TUNED_FOR = 0.05
_LIGHTEST = 1e-3
_HALVINGS = 50


def log_beta_binomial(s: float, v: float, *, v_opt: float, g: float, h: float) -> float:
    """ln of the two-sided mixture for increments in [-g, h]; it reaches ln(1/alpha) with probability alpha at most."""
    return _log_binomial_ratio(s, v, g=g, h=h, weight=max(_weight(v_opt, _TUNED_FOR) / (g * h) - 1.0, _LIGHTEST))


def log_beta_binomial_above(s: float, v: float, *, v_opt: float, g: float, h: float) -> float:
    """The same for sums that are too large only: all of the mixture is on that side."""
    weight = max(_weight(v_opt, 2.0 * _TUNED_FOR) / (g * h) - 1.0, _LIGHTEST)
    rate = g / (g + h)
    a, b = weight * rate, weight * (1.0 - rate)
    hits, misses = _counts(s, v, g=g, h=h)
    tails = _log(betaincc(a + hits, b + misses, rate)) - _log(betaincc(a, b, rate))
    return _log_binomial_ratio(s, v, g=g, h=h, weight=weight) + tails


def log_gamma_poisson(s: float, v: float, *, v_opt: float, c: float) -> float:
    """ln of the one-sided mixture for sums whose jumps are Poisson-like of size `c`, e.g. counts."""
    shape = _weight(v_opt, 2.0 * _TUNED_FOR) / c**2
    events, exposure = s / c + v / c**2, v / c**2
    tails = _log(gammaincc(shape + events, shape + exposure)) - _log(gammaincc(shape, shape))
    ratio = float(gammaln(shape + events) - gammaln(shape)) + shape * log(shape)
    return ratio - (shape + events) * log(shape + exposure) + exposure + tails


def bound(log_mixture: Callable[[float], float], *, alpha: float, start: float = 1.0) -> float:
    """The sum s above 0 at which an increasing mixture reaches 1/alpha; `start`: a first guess of its size."""
    high = start
    while log_mixture(high) < -log(alpha):
        high *= 2.0
    return _crossing(lambda s: log_mixture(s) + log(alpha), low=0.0, high=high)


def bernoulli_range(hits: int, trials: int, *, t_opt: float, alpha: float = 0.05) -> Range:
    """Covers the mean rate at all times at once with probability 1 - alpha; tightest near `t_opt` trials.

    >>> [round(x, 4) for x in bernoulli_range(15, 50, t_opt=50)]
    [0.1296, 0.5119]
    """
    share = hits / trials

    def excess(rate: float) -> float:
        variance = rate * (1.0 - rate)
        s, v = hits - trials * rate, trials * variance
        return log_beta_binomial(s, v, v_opt=t_opt * variance, g=rate, h=1.0 - rate) + log(alpha)

    low = _crossing(lambda rate: -excess(rate), low=0.0, high=share) if hits else 0.0
    high = _crossing(excess, low=share, high=1.0) if hits < trials else 1.0
    return Range(low, high)


def _weight(v_opt: float, alpha: float) -> float:
    level = -2.0 * log(alpha)
    return v_opt / (level + log1p(level))


def _counts(s: float, v: float, *, g: float, h: float) -> tuple[float, float]:
    return (s + v / h) / (g + h), (v / g - s) / (g + h)


def _log_binomial_ratio(s: float, v: float, *, g: float, h: float, weight: float) -> float:
    rate = g / (g + h)
    hits, misses = _counts(s, v, g=g, h=h)
    a, b = weight * rate, weight * (1.0 - rate)
    ratio = float(betaln(a + hits, b + misses) - betaln(a, b))
    return ratio - hits * log(rate) - misses * log(1.0 - rate)


def _log(x: float) -> float:
    return log(x) if x > 0.0 else -inf


def _crossing(rising: Callable[[float], float], *, low: float, high: float) -> float:
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if rising(middle) > 0.0 else (middle, high)
    return (low + high) / 2.0
