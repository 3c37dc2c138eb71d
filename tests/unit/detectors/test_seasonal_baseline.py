"""What is learnt of a series: its level at once, its hours over days."""

from itertools import pairwise

import numpy as np
import pytest

from policy.category_spike import CategorySpikePolicy
from streams.detectors.seasonal_baseline import Baseline, SeasonalBaseline

SEASON = SeasonalBaseline(CategorySpikePolicy(), step=300.0)
WEDNESDAY = 1_772_582_400


def _learnt(counts: list[float], start: int = WEDNESDAY) -> Baseline:
    """The baseline ready for the step after the last count."""
    baseline = Baseline(start)
    for index, count in enumerate(counts):
        baseline = SEASON.rolled(baseline, start + index * 300) if index else baseline
        baseline = SEASON.learnt(baseline, count)
    return SEASON.rolled(baseline, start + len(counts) * 300)


def _day(low: float, high: float) -> list[float]:
    """Twelve quiet hours, twelve busy ones."""
    return [low] * 144 + [high] * 144


def test_a_young_series_follows_its_level() -> None:
    forecast = SEASON.forecast(_learnt([10.0] * 24))
    assert forecast.mean == pytest.approx(10.0)
    assert 1.1 < forecast.rise < 1.4


def test_a_known_hour_outweighs_the_level() -> None:
    forecast = SEASON.forecast(_learnt(_day(5, 50) * 14))
    assert forecast.mean < 12
    assert forecast.rise < 1.1


def test_uncertainty_and_the_allowed_rise_shrink_with_history() -> None:
    forecasts = [SEASON.forecast(_learnt([10.0] * steps)) for steps in (2, 24, 288 + 24, 288 * 7 + 24, 288 * 14 + 24)]
    assert all(later.error < earlier.error for earlier, later in pairwise(forecasts))
    assert forecasts[-1].rise < forecasts[2].rise < forecasts[1].rise


def test_weekends_have_hours_of_their_own() -> None:
    week = _day(20, 20) * 3 + _day(2, 2) * 2 + _day(20, 20) * 2
    saturday = _learnt(week + _day(20, 20) * 3)
    assert SEASON.forecast(saturday).mean == pytest.approx(8, abs=0.5)
    assert SEASON.forecast(_learnt(week * 4 + _day(20, 20) * 3)).mean < 6


def test_old_days_fade() -> None:
    assert SEASON.forecast(_learnt([10.0] * 288 * 28 + [30.0] * 288 * 28)).mean > 24


def test_silence_is_expected_to_stay_above_a_floor() -> None:
    assert SEASON.forecast(_learnt([0.0] * 300)).mean == 0.2


def test_a_distrusted_history_gives_way_to_what_comes() -> None:
    before = SEASON.distrusted(_learnt([10.0] * 288 * 10))
    after = SEASON.rolled(SEASON.learnt(before, 40.0), before.at + 300)
    assert SEASON.forecast(after).mean > 30


def test_an_unlearnt_hour_leaves_its_cell_alone() -> None:
    baseline = _learnt([10.0] * 288)
    later = baseline
    for _ in range(24):
        later = SEASON.rolled(later, later.at + 300)
    assert (later.cells, later.weights) == (baseline.cells, baseline.weights)
    assert SEASON.forecast(later).rise > SEASON.forecast(baseline).rise


def test_noise_around_a_daily_wave_is_expected_within_a_tenth_after_two_weeks() -> None:
    steps = np.arange(288 * 14)
    wave = 20 * np.exp(0.8 * np.sin(2 * np.pi * steps / 288))
    counts = np.random.default_rng(3).poisson(wave * np.random.default_rng(4).gamma(15, 1 / 15, len(wave)))
    baseline, ratios = _learnt(counts[: 288 * 12].tolist()), []
    for index in range(288 * 12, 288 * 14):
        ratios.append(SEASON.forecast(baseline).mean / wave[index])
        baseline = SEASON.rolled(SEASON.learnt(baseline, counts[index]), baseline.at + 300)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.1)
    assert np.std(ratios) < 0.25
