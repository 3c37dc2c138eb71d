"""The shape that weeks of hourly counts have, however noisy, spiky or incomplete they are."""

from itertools import pairwise
from math import exp, log, pi, sin
from typing import Any

import numpy as np
import pytest

from streams.detectors.harmonic_baseline import (
    LEAST_HOURS,
    cell_of,
    fit,
    fit_many,
    forecast,
    forecast_many,
    hourly_means,
)

FIRST = 491_064  # Thursday 2026-01-08, 00:00 UTC
HOURS = 56 * 24


def _wave(base: float = 20.0, *, amplitude: float = 0.9, weekend: float = 0.6, hours: int = HOURS) -> Any:
    daily = [base * exp(amplitude * sin(2 * pi * (h + 0.5) / 24)) for h in range(hours)]
    return np.array([m * (weekend if cell_of(FIRST + h) >= 24 else 1.0) for h, m in enumerate(daily)])


def _drawn(means: Any, seed: int, *, size: float = 15.0) -> Any:
    rng = np.random.default_rng(seed)
    return rng.poisson(means * rng.gamma(size, 1 / size, means.shape)).astype(np.int64)


def test_hours_of_weekdays_and_weekends_are_told_apart() -> None:
    assert [cell_of(FIRST + 24 * day + 3) for day in range(7)] == [3, 3, 27, 27, 3, 3, 3]


def test_the_fitted_means_are_as_far_off_as_their_errors_say() -> None:
    bases = np.exp(np.linspace(log(0.5), log(50), 60))
    waves = np.array([_wave(base) for base in bases])
    fits = fit_many(_drawn(waves, 1), FIRST)
    means, errors = forecast_many(fits, FIRST, HOURS)
    deviations = np.log(means / waves) / errors
    assert np.mean(np.log(means / waves)) == pytest.approx(0.0, abs=0.02)
    assert np.std(deviations) == pytest.approx(1.0, abs=0.1)


def test_the_dispersion_is_recovered() -> None:
    fits = fit_many(_drawn(np.array([_wave(20)] * 30), 2, size=15.0), FIRST)
    assert np.median(fits.sizes) == pytest.approx(15.0, rel=0.1)
    assert np.median(fit_many(_drawn(np.array([_wave(20)] * 30), 3, size=4.0), FIRST).sizes) == pytest.approx(
        4, rel=0.2
    )


def test_spikes_in_the_history_hardly_move_the_means() -> None:
    counts = _drawn(_wave(), 4)
    spiky = counts.copy()
    spiky[300:312] *= 5
    spiky[800:806] *= 20
    before, after = fit(counts, FIRST), fit(spiky, FIRST)
    assert before is not None
    assert after is not None
    ratio = hourly_means(after, FIRST, 168) / hourly_means(before, FIRST, 168)
    assert np.all(np.abs(np.log(ratio)) < 0.05)


def test_unknown_hours_are_left_out() -> None:
    counts = _drawn(_wave(), 5)
    gappy = counts.copy()
    gappy[np.random.default_rng(1).random(HOURS) < 0.3] = -1
    found = fit(gappy, FIRST)
    assert found is not None
    assert np.mean(np.log(hourly_means(found, FIRST, 168) / _wave()[:168])) == pytest.approx(0.0, abs=0.05)


def test_more_history_is_more_certain() -> None:
    counts = _drawn(_wave(), 6)
    fits = [fit(counts[: 24 * days], FIRST) for days in (14, 28, 56)]
    errors = [one.errors[10] for one in fits if one is not None]
    assert all(later < earlier for earlier, later in pairwise(errors))


def test_a_short_history_gives_no_fit() -> None:
    assert fit(np.ones(LEAST_HOURS - 1, dtype=np.int64), FIRST) is None
    assert fit(np.append(np.ones(LEAST_HOURS - 1, dtype=np.int64), [-1] * 50), FIRST) is None
    assert fit(np.ones(LEAST_HOURS, dtype=np.int64), FIRST) is not None


@pytest.mark.parametrize("counts", [np.zeros(HOURS), np.eye(1, HOURS)[0] * 10**6, np.full(HOURS, 10**6)])
def test_strange_histories_give_finite_fits(counts: Any) -> None:
    found = fit(counts.astype(np.int64), FIRST)
    assert found is not None
    assert np.all(np.isfinite(hourly_means(found, FIRST, 168)))
    assert np.all(np.isfinite(found.errors))
    assert 0.5 <= found.size <= 1e4


def test_one_series_and_many_are_fitted_alike() -> None:
    counts = _drawn(np.array([_wave(5), _wave(30)]), 7)
    fits, alone = fit_many(counts, FIRST), fit(counts[1], FIRST)
    assert alone is not None
    assert fits.coefficients[1] == pytest.approx(alone.coefficients)
    means, errors = forecast_many(fits, FIRST + 5, 200)
    assert [forecast(alone, hour)[0] for hour in range(FIRST + 5, FIRST + 205)] == pytest.approx(means[1].tolist())
    assert forecast(alone, FIRST + 5)[1] == pytest.approx(errors[1, 0])


def test_within_the_hour_the_mean_moves_smoothly() -> None:
    found = fit(_drawn(_wave(), 8), FIRST)
    assert found is not None
    minutes = [forecast(found, FIRST + 30 + minute / 60)[0] for minute in range(180)]
    assert max(abs(log(later / earlier)) for earlier, later in pairwise(minutes)) < 0.01
