from math import log

import numpy as np
import pytest

from calibration.fleet import KNOWN, Times, first_pages
from streams.detectors.shiryaev_roberts import advance, nothing


def _paths(fleets, series, steps):
    return np.random.default_rng(3).normal(-0.05, 0.5, (steps, fleets, series, 4))


def test_a_fleet_pages_when_the_detector_of_any_series_does_and_then_starts_anew():
    logs, threshold, pages = _paths(2, 3, 300), 40.0, 0
    for fleet in range(2):
        evidence = [nothing(4)] * 3
        for step in range(300):
            moved = [advance(held, logs[step, fleet, series].tolist()) for series, held in enumerate(evidence)]
            paged = any(log_mean >= log(threshold) for _, log_mean in moved)
            evidence = [nothing(4)] * 3 if paged else [held for held, _ in moved]
            pages += paged
    assert pages > 4
    assert first_pages(iter(np.exp(logs)), threshold) == Times(600, pages)


def test_copies_page_together():
    ratios = np.exp(_paths(4, 2, 500))
    copied = np.repeat(ratios, 5, axis=2)
    assert first_pages(iter(copied), 30.0) == first_pages(iter(ratios), 30.0)


def test_the_error_falls_with_the_pages():
    assert Times(1000, 25).mean == 40.0
    assert Times(1000, 25).error == pytest.approx(8.0)
    assert Times(1000, 0).mean == 1000.0


def test_the_bound_is_tried_with_one_series_many_and_copies():
    assert [(case.series, case.distinct) for case in KNOWN] == [(1, 1), (200, 200), (200, 2)]


def test_likelihood_ratios_of_a_fair_coin_keep_the_bound():
    rng = np.random.default_rng(9)
    coins = np.where(rng.random((4000, 50, 1, 1)) < 0.5, 1.5, 0.5)
    times = first_pages(iter(coins), 20.0)
    assert times.mean + 3.0 * times.error >= 20.0
