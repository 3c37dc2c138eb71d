"""River's detectors are those that were published: their own recorded alarms on recorded data."""

import random
from collections.abc import Iterable

import numpy as np
import pytest
from river import drift as river

from calibration.drift_peers import Peer, first_alarm


def alarms(peer: Peer, values: Iterable[float]) -> list[int]:
    found = []
    for place, value in enumerate(values):
        peer.update(value)
        if peer.drift_detected:
            found.append(place)
    return found


def jump() -> list[int]:
    chance = random.Random(12345)
    return chance.choices([0, 1], k=1000) + chance.choices(range(4, 8), k=1000)


@pytest.mark.parametrize(
    ("peer", "expected"),
    [(river.ADWIN(), 1023), (river.PageHinkley(), 1006), (river.KSWIN(alpha=1e-4, seed=42), 1016)],
    ids=["ADWIN", "PageHinkley", "KSWIN"],
)
def test_the_first_alarm_after_a_jump(peer: Peer, expected: int) -> None:
    assert alarms(peer, jump())[0] == expected


def test_adwin_on_a_wider_second_half() -> None:
    np.random.seed(12345)
    values = np.concatenate((np.random.randint(2, size=1000), np.random.randint(8, size=1000)))
    assert alarms(river.ADWIN(), values.tolist()) == [1023]


def test_adwin_on_four_segments() -> None:
    chance = random.Random(42)
    halves = [chance.choices(kind, k=1000) for kind in ([0, 1], range(4, 8), [0, 1], range(4, 8))]
    assert alarms(river.ADWIN(), [value for half in halves for value in half]) == [1023, 2015, 3007]


def test_a_first_alarm_is_counted_from_the_change() -> None:
    assert 0 < first_alarm(river.ADWIN(), 0.3, seed=1, before=300) < 100
    assert first_alarm(river.PageHinkley(threshold=1e9), 0.3, seed=1, before=30) == float("inf")
