"""Exponentially decayed sums in event time: late contributions arrive already decayed, so order does not matter."""

from math import exp2


def add(total: float, latest: float, *, at: float, half_life: float) -> tuple[float, float]:
    """Add one at time `at` to a sum that is valid at `latest`; returns the sum and the time at which it is valid.

    Times and the half-life are in the same unit, here seconds.

    >>> add(4.0, 0.0, at=10.0, half_life=10.0), add(4.0, 10.0, at=0.0, half_life=10.0)
    ((3.0, 10.0), (4.5, 10.0))
    """
    ahead = at - latest
    if ahead >= 0.0:
        return total * exp2(-ahead / half_life) + 1.0, at
    return total + exp2(ahead / half_life), latest


def add_many(total: float, latest: float, amount: float, *, at: float, half_life: float) -> tuple[float, float]:
    """As `add`, for several at once.

    >>> add_many(4.0, 10.0, 6.0, at=0.0, half_life=10.0)
    (7.0, 10.0)
    """
    ahead = at - latest
    if ahead >= 0.0:
        return total * exp2(-ahead / half_life) + amount, at
    return total + amount * exp2(ahead / half_life), latest


def seen_from(total: float, latest: float, *, at: float, half_life: float) -> float:
    """The sum's value at a moment not before `latest`."""
    return total * exp2((latest - at) / half_life)
