"""Decayed sums do not depend on the order of arrival."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detectors.decay import add, seen_from

TIMES = st.lists(st.floats(0, 1e6), min_size=1, max_size=20)


def _total(times: list[float]) -> tuple[float, float]:
    total, latest = 0.0, 0.0
    for at in times:
        total, latest = add(total, latest, at=at, half_life=86_400.0)
    return total, latest


@given(TIMES.flatmap(lambda times: st.tuples(st.just(times), st.permutations(times))))
def test_late_contributions_commute(orders: tuple[list[float], list[float]]) -> None:
    first, second = map(_total, orders)
    assert first == pytest.approx(second, rel=1e-9)


def test_a_contribution_weighs_half_after_a_half_life() -> None:
    assert seen_from(8.0, 100.0, at=400.0, half_life=100.0) == 1.0


def test_a_very_old_sum_fades_without_error() -> None:
    assert add(5.0, 0.0, at=1e12, half_life=1.0) == (1.0, 1e12)
