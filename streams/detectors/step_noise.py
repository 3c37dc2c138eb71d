"""How noisy the steps of a series are, and how much of that noise stays for a while; it knows nothing of the shape.

A count is its expectation times a wandering level times noise of the step alone. Both variances come from moments: the
squares of the residuals tell their sum, the products of neighbouring residuals tell the part that stays. The level is
followed as a first-order autoregression. Source: Kalman, A new approach to linear filtering and prediction problems,
Journal of Basic Engineering 82 (1960); moments as in Cameron and Trivedi, Regression Analysis of Count Data (2013).
"""

from dataclasses import dataclass
from math import sqrt

import msgspec
from msgspec.structs import replace

_LEAST, _MOST = 1e-4, 4.0
"""Bounds of a relative variance."""
_WANDERS = 2.0
"""Standard deviations that a level may be from 1."""


class Noise(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was learnt of one series; all variances are relative to the squared mean."""

    level: float = 1.0
    """Where the level is expected in this step."""
    doubt: float = 0.0
    """Its variance."""
    squares: float = 0.0
    """Weighted sum of squared residuals, without what counting adds."""
    squares_weight: float = 0.0
    products: float = 0.0
    """Weighted sum of products of neighbouring residuals."""
    products_weight: float = 0.0
    residual: float = 0.0
    """Relative residual of the last step that was learnt."""
    residual_at: int = -1
    """Its start, epoch seconds."""


class Variances(msgspec.Struct, frozen=True, gc=False):
    """Relative variances of a step beyond those of counting."""

    alone: float
    """Of the noise of one step."""
    staying: float
    """Of the level that stays for a while."""


@dataclass(frozen=True)
class StepNoise:
    """The rules for steps of one length: `expected` variance before anything is known, decays per step."""

    expected: float
    level_kept: float
    kept: float
    step: int

    def rolled(self, noise: Noise, steps: float) -> Noise:
        """The noise some steps later: the level is drawn back to 1, and less sure."""
        kept = self.level_kept**steps
        return replace(
            noise,
            level=1.0 + kept * (noise.level - 1.0),
            doubt=kept * kept * noise.doubt + (1.0 - kept * kept) * self.variances(noise).staying,
        )

    def variances(self, noise: Noise) -> Variances:
        """Both variances, shrunk towards the expected one, which weighs as if it were known to a factor of two.

        Until the two can be told apart each may be the whole.
        """
        prior = 1.0 / self.expected**2
        whole = (noise.squares + prior * self.expected) / (noise.squares_weight + prior)
        told = noise.products_weight / (noise.products_weight + prior)
        pairs = noise.products / noise.products_weight if noise.products_weight > 0.0 else 0.0
        staying = (1.0 - told) * whole + told * min(max(pairs, 0.0), whole)
        return Variances(_bounded(whole - told * staying), _bounded(staying))

    def followed(self, noise: Noise, count: float, *, mean: float) -> Noise:
        """The noise with the level moved towards a count, but not beyond what such a level does: a rise is no noise."""
        variances = self.variances(noise)
        gain = noise.doubt / (noise.doubt + variances.alone + 1.0 / mean)
        level = noise.level + gain * (count / mean - noise.level)
        most = _WANDERS * sqrt(variances.staying)
        return replace(noise, level=min(max(level, 1.0 - most), 1.0 + most), doubt=(1.0 - gain) * noise.doubt)

    def learnt(self, noise: Noise, count: float, *, at: int, mean: float, error: float) -> Noise:
        """The noise with a count whose expectation is `mean` with relative standard error `error`."""
        residual = count / mean - 1.0
        spread = self.expected + 1.0 / mean
        weight = 1.0 / (2.0 * spread * spread + mean**-3)
        is_next = noise.residual_at == at - self.step
        pair_weight = 1.0 / (spread * spread) if is_next else 0.0
        followed = self.followed(noise, count, mean=mean)
        return Noise(
            followed.level,
            followed.doubt,
            noise.squares * self.kept + weight * (residual * residual - 1.0 / mean - error * error),
            noise.squares_weight * self.kept + weight,
            noise.products * self.kept + pair_weight * residual * noise.residual,
            noise.products_weight * self.kept + pair_weight,
            residual,
            at,
        )


def _bounded(variance: float) -> float:
    return min(max(variance, _LEAST), _MOST)
