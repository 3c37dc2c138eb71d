from pathlib import Path

import numpy as np
import pytest

from calibration.references.ears import c1_bounds, c2_bounds, c3_bounds, excess

AGONA = [int(count) for count in np.loadtxt(Path(__file__).parent / "salmonella_agona.txt").ravel()]


def test_the_series_is_whole():
    assert (len(AGONA), sum(AGONA)) == (312, 897)


def test_c1_gives_the_bounds_and_alarms_of_surveillance():
    bounds = c1_bounds(AGONA)
    first_ten = [6.88121833, 7.91734436, 7.91734436, 5.90878365, 5.72040782]
    first_ten += [6.55250909, 6.32259149, 6.24111023, 4.15277880, 4.15277880]
    alarms = [week + 8 for week in np.flatnonzero(AGONA[7:] > bounds)]
    assert bounds.size == 305
    assert bounds.sum() == pytest.approx(2614.502140, rel=1e-9)
    assert bounds[:10] == pytest.approx(first_ten, rel=1e-8)
    assert alarms == [21, 30, 36, 62, 75, 80, 82, 111, 128, 191, 192, 210, 232, 283, 284, 294]


def test_c2_is_c1_of_two_points_earlier():
    assert c2_bounds(AGONA) == pytest.approx(c1_bounds(AGONA)[:-2])


def test_c3_alarms_where_the_excess_of_three_points_is_large():
    quiet = [4, 6, 4, 6, 4, 6, 5]
    series = [*quiet, 5, 5, 9, 9, 9]
    bounds = c3_bounds(series)
    c2 = [(series[at] - np.mean(series[at - 9 : at - 2])) / np.std(series[at - 9 : at - 2], ddof=1) for at in (9, 10)]
    last_deviation = np.std(series[2:9], ddof=1)
    assert bounds == pytest.approx([9 + last_deviation * (1.959964 - (c2[0] - 1) - (c2[1] - 1))])
    assert bounds[0] < 9


def test_a_floor_keeps_a_silent_baseline_from_alarming_at_one():
    assert c1_bounds([0] * 7 + [1])[0] == 0.0
    assert c1_bounds([0] * 7 + [1], floor=0.5)[0] == pytest.approx(1.545, abs=1e-3)
    assert c3_bounds([0] * 12, floor=0.5)[0] == pytest.approx(0.98, abs=1e-3)


def test_a_count_is_above_its_bound_where_its_excess_is_above_the_quantile():
    above = excess(AGONA, floor=0.5) > 3.090232
    assert above.tolist() == (AGONA[7:] > c1_bounds(AGONA, floor=0.5)).tolist()


def test_series_run_along_the_last_axis():
    rows = np.array(AGONA).reshape(6, 52)
    assert excess(rows, gap=2, floor=0.5).tolist() == [excess(row, gap=2, floor=0.5).tolist() for row in rows]
