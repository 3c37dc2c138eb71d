"""The simulated users: what they do, and that their violations are kept in order."""

import numpy as np
import pytest

from calibration.offender_population import DAYS, Paths, Phase, benign, drawn

ONE_WITHOUT = Paths(
    counts=np.array([2, 0, 3]),
    times=np.array([1.0, 4.0, 0.5, 2.0, 9.0]),
    gaps=np.array([1.0, 3.0, 0.5, 1.5, 7.0]),
    cleans=np.array([5, 0, 1, 2, 3]),
)


def test_the_population_has_the_stated_volume_and_rates() -> None:
    people = benign(np.random.default_rng(1), 50_000)
    assert np.median(people.volumes) == pytest.approx(15.0, rel=0.03)
    assert np.quantile(people.volumes, 0.99) == pytest.approx(323.0, rel=0.05)
    assert people.rates.mean() == pytest.approx(0.005, rel=0.03)
    assert 1.0 - people.good.mean() == pytest.approx(0.0455, abs=0.003)


def test_requests_and_violations_come_at_their_rates() -> None:
    users = 300
    paths = drawn(np.random.default_rng(2), np.full(users, 40.0), [Phase(DAYS, np.full(users, 0.1))])
    expected = 40.0 * DAYS * users
    assert len(paths.times) == pytest.approx(0.1 * expected, rel=0.02)
    assert paths.cleans.sum() == pytest.approx(0.9 * expected, rel=0.01)


def test_a_user_who_turns_is_quiet_before() -> None:
    users = 400
    phases = [Phase(10.0, np.full(users, 0.01)), Phase(20.0, np.full(users, 0.5))]
    paths = drawn(np.random.default_rng(3), np.full(users, 20.0), phases)
    early = paths.times < 10.0
    assert early.sum() == pytest.approx(users * 10.0 * 20.0 * 0.01, rel=0.15)
    assert (~early).sum() == pytest.approx(users * 20.0 * 20.0 * 0.5, rel=0.03)
    assert paths.cleans[early].sum() < paths.cleans.sum()


def test_gaps_add_up_to_times_within_each_user() -> None:
    paths = benign(np.random.default_rng(4), 500).paths
    for first, count in zip(paths.firsts, paths.counts, strict=True):
        mine = slice(first, first + count)
        assert np.all(np.diff(paths.times[mine]) >= 0.0)
        assert np.cumsum(paths.gaps[mine]) == pytest.approx(paths.times[mine])


def test_every_violation_has_its_owner() -> None:
    assert ONE_WITHOUT.firsts.tolist() == [0, 2, 2]
    assert ONE_WITHOUT.owners.tolist() == [0, 0, 2, 2, 2]


def test_rounds_visit_every_violation_once_and_in_order() -> None:
    rounds = [at.tolist() for at in ONE_WITHOUT.rounds()]
    assert rounds == [[2, 0], [3, 1], [4]]


def test_nobody_has_rounds_without_violations() -> None:
    nothing = Paths(np.array([0, 0]), np.array([]), np.array([]), np.array([], dtype=np.int64))
    assert list(nothing.rounds()) == []
    assert nothing.highest(np.array([])).tolist() == [-np.inf, -np.inf]


def test_the_highest_is_taken_per_user() -> None:
    highest = ONE_WITHOUT.highest(np.array([3.0, 1.0, 2.0, 7.0, 4.0]))
    assert highest.tolist() == [3.0, -np.inf, 7.0]
