import numpy as np
import pytest

from calibration.references.online_fdr import (
    bh_adjusted,
    fast_gammas,
    lond_levels,
    lord_levels,
    saffron_levels,
    slow_gammas,
)

P_VALUES = [2.90e-8, 0.06743, 0.01514, 0.08174, 0.00171, 3.60e-5, 0.79149, 0.27201]
P_VALUES += [0.28295, 7.59e-8, 0.69274, 0.30443, 0.00136, 0.72342, 0.54757]
LORD = [0.0002675839, 0.0024664457, 0.0005732818, 0.0004872805, 0.0004059066, 0.0003447286, 0.0029745013, 0.0008450114]
LORD += [0.0007305648, 0.0006243143, 0.0032185913, 0.0010617227, 0.0009256825, 0.0008019657, 0.0007059610]
LOND = [0.0026758385, 0.0011638206, 0.0009912499, 0.0008243606, 0.0006988870, 0.0006045900]
LOND += [0.0007979166, 0.0007117838, 0.0006421423, 0.0005847378, 0.0007155186]
SAFFRON = [0.005468627, *[0.010937254] * 4, 0.021874508, 0.032811762, *[0.010823845] * 3]
SAFFRON += [0.021761099, *[0.009265591] * 2, 0.020202846, 0.009064367]


def _rejected(levels):
    return [test + 1 for test, (p, level) in enumerate(zip(P_VALUES, levels, strict=True)) if p <= level]


def test_lord_gives_the_levels_of_online_fdr():
    levels = lord_levels(P_VALUES, 0.05)
    assert levels == pytest.approx(LORD, rel=1e-6)
    assert _rejected(levels) == [1, 6, 10]


def test_lond_gives_the_levels_of_online_fdr():
    levels = lond_levels(P_VALUES, 0.05)
    assert levels[: len(LOND)] == pytest.approx(LOND, rel=1e-6)
    assert _rejected(levels) == [1, 6, 10]


def test_saffron_gives_the_levels_of_online_fdr():
    levels = saffron_levels(P_VALUES, 0.05)
    assert levels == pytest.approx(SAFFRON, rel=1e-6)
    assert _rejected(levels) == [1, 5, 6, 10, 13]


def test_the_sequences_decrease_and_do_not_exceed_one():
    for gammas in (slow_gammas(100_000), fast_gammas(100_000)):
        assert np.all(np.diff(gammas) < 0)
        assert gammas.sum() < 1.0


def test_lord_levels_die_away_when_nothing_is_rejected():
    assert 1e-9 < lord_levels([1.0] * 100_000, 0.1)[-1] < 1e-8


def test_bh_rejects_everything_up_to_the_last_value_below_its_line():
    assert (bh_adjusted([0.011, 0.9, 0.03, 0.02]) <= 0.05).tolist() == [True, False, True, True]
    assert not (bh_adjusted([0.2, 0.9, 0.6]) <= 0.05).any()
    assert bh_adjusted([]).size == 0


def test_bh_takes_each_row_for_a_batch():
    rows = [[0.011, 0.9, 0.03, 0.02], [0.2, 0.9, 0.6, 0.01]]
    assert bh_adjusted(rows).tolist() == [bh_adjusted(row).tolist() for row in rows]
