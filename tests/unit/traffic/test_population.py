"""Users follow the reference laws, and the planted ones are of the kinds and numbers announced."""

from datetime import UTC, datetime

import numpy as np
import pytest

from traffic.offenders import OFFENDERS, planted
from traffic.population import BENIGN, People, above_permitted, draw_people, pick, raw_user
from traffic.scenario import HOUR_MS, Scenario

START = datetime(2026, 3, 2, tzinfo=UTC)
SCENARIO = Scenario(seed=7, start=START, users=60_000)


@pytest.fixture(scope="module")
def people() -> People:
    return draw_people(SCENARIO)


def test_benign_volume_is_heavy_tailed_as_in_the_reference(people: People) -> None:
    volume = people["volume"][people["kind"] == BENIGN]
    assert np.median(volume) == pytest.approx(15, rel=0.03)
    assert np.quantile(volume, 0.99) == pytest.approx(323, rel=0.06)


def test_benign_block_rates_follow_the_gamma_law(people: People) -> None:
    rate = people["rate"][people["kind"] == BENIGN]
    assert rate.mean() == pytest.approx(0.005, rel=0.03)
    assert rate.var() == pytest.approx(0.5 * 0.01**2, rel=0.1)
    assert above_permitted(SCENARIO, people).mean() == pytest.approx(0.0455, abs=0.003)


def test_each_kind_is_planted_in_its_number(people: People) -> None:
    counts = planted(SCENARIO.users, SCENARIO.offender_share)
    assert [int((people["kind"] == kind).sum()) for kind in range(len(OFFENDERS))] == list(counts)
    assert sum(counts) == pytest.approx(0.003 * SCENARIO.users, rel=0.05)


def test_small_runs_still_have_three_of_each() -> None:
    assert planted(50, 0.0) == (3,) * len(OFFENDERS)


def test_offenders_are_spread_over_the_user_numbers_and_tenants(people: People) -> None:
    rows = np.flatnonzero(people["kind"] != BENIGN)
    assert rows.min() < 6_000
    assert rows.max() > 54_000
    assert set(people["tenant"][rows].tolist()) == {0, 1, 2}


def test_offenders_start_when_their_kind_says(people: People) -> None:
    for kind, offender in enumerate(OFFENDERS):
        ours = people[people["kind"] == kind]
        low, high = (share * SCENARIO.end_ms for share in offender.starts_at)
        assert ((ours["offends_at"] >= low) & (ours["offends_at"] <= high)).all()
        if offender.active_hours is not None:
            assert (ours["active_to"] - ours["active_from"] == offender.active_hours * HOUR_MS).all()


def test_most_offenders_vary_the_prompt_and_benign_users_send_it_again(people: People) -> None:
    assert people["retry"][people["kind"] == BENIGN].min() > 0
    assert (people["retry"][people["kind"] != BENIGN] == 0).mean() == pytest.approx(0.8, abs=0.1)


def test_tenants_shrink_in_order(people: People) -> None:
    sizes = np.bincount(people["tenant"])
    assert sizes[0] > sizes[1] > sizes[2] > 0


def test_raw_users_are_distinct_and_name_their_tenant(people: People) -> None:
    names = {raw_user(SCENARIO, people, row) for row in range(1_000)}
    assert len(names) == 1_000
    assert all(name.split("@")[1].removesuffix(".example") in SCENARIO.tenants for name in names)


def test_pick_follows_the_shares() -> None:
    drawn = pick(np.array([1.0, 3.0, 0.0]), 10_000, np.random.default_rng(1))
    assert np.bincount(drawn, minlength=3) / 10_000 == pytest.approx([0.25, 0.75, 0], abs=0.02)
