"""Noise of single steps and noise that stays are told apart, and the level is followed only so far."""

from typing import Any

import numpy as np
import pytest

from streams.detectors.step_noise import Noise, StepNoise

RULES = StepNoise(expected=1 / 15, level_kept=2 ** (-5 / 30), kept=2 ** (-1 / 4032), step=300)


def _learnt(factors: Any, *, mean: float = 30.0, seed: int = 1) -> Noise:
    rng, noise = np.random.default_rng(seed), Noise()
    for index, factor in enumerate(factors):
        noise = RULES.rolled(noise, 1.0)
        noise = RULES.learnt(noise, int(rng.poisson(mean * factor)), at=300 * index, mean=mean, error=0.0)
    return noise


def _gamma(many: int, size: float = 15.0) -> Any:
    return np.random.default_rng(2).gamma(size, 1 / size, many)


def test_before_anything_is_known_each_part_may_be_the_whole() -> None:
    variances = RULES.variances(Noise())
    assert variances.alone == variances.staying == 1 / 15


def test_noise_of_single_steps_does_not_stay() -> None:
    variances = RULES.variances(_learnt(_gamma(6000)))
    assert variances.alone == pytest.approx(1 / 15, rel=0.15)
    assert variances.staying < 0.01


def test_noise_that_lasts_for_an_hour_stays() -> None:
    variances = RULES.variances(_learnt(np.repeat(_gamma(500), 12)))
    assert variances.staying == pytest.approx(1 / 15, rel=0.25)
    assert variances.alone < 0.015


def test_a_level_is_followed_but_a_rise_is_not() -> None:
    calm = _learnt(np.repeat(_gamma(300), 12))
    level, rise = calm, calm
    for _ in range(24):
        level = RULES.followed(RULES.rolled(level, 1.0), 36, mean=30.0)
        rise = RULES.followed(RULES.rolled(rise, 1.0), 300, mean=30.0)
    assert level.level == pytest.approx(1.2, abs=0.05)
    assert 1.4 < rise.level < 1.7


def test_what_is_not_seen_is_less_and_less_known() -> None:
    calm = _learnt(np.repeat(_gamma(300), 12))
    later = RULES.rolled(calm, 200.0)
    assert later.level == pytest.approx(1.0, abs=1e-6)
    assert later.doubt == pytest.approx(RULES.variances(calm).staying)
