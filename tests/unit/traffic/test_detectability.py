"""With the default policy the planted loud offenders cross the bound twice within a day, and benign users do not."""

from collections import Counter, defaultdict
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.stats import gamma

from policy.repeat_offender import RepeatOffenderPolicy
from traffic.offenders import OFFENDERS
from traffic.outcomes import IS_BLOCKED, OUTCOMES
from traffic.population import BENIGN, above_permitted
from traffic.requests import Traffic
from traffic.scenario import Scenario

POLICY = RepeatOffenderPolicy()
GAP_MS = POLICY.violation_gap.total_seconds() * 1000
STRIKING = [
    next((finding.key for finding in outcome.findings if finding.filtered and finding.key != "self_harm"), None)
    for outcome in OUTCOMES
]


def signals(traffic: Traffic) -> Counter[int]:
    """Per user: 1 when the posterior crossed, 2 when it had not fallen back five further violations later.

    A second, slower reading of the method: exact counts, no decay (a day is short against the half-life).
    """
    rows = np.concatenate(list(traffic.hours()))
    blocked: dict[int, list[tuple[int, int, int, str | None]]] = defaultdict(list)
    for row in rows[IS_BLOCKED[rows["outcome"]]].tolist():
        blocked[row[1]].append((row[0], row[2], row[4], STRIKING[row[4]]))
    return Counter({user: _crossings(hits, rows["at"][rows["user"] == user]) for user, hits in blocked.items()})


def _crossings(hits: list[tuple[int, int, int, str | None]], asked: np.ndarray) -> int:
    last: dict[tuple[int, str], int] = {}
    crossed: list[int] = []
    violations = 0
    for at, session, _, key in hits:
        if key is None or at - last.get((session, key), -(10**12)) < GAP_MS:
            continue
        last[session, key] = at
        violations += 1
        requests = int(np.searchsorted(asked, at, side="right"))
        shape, rate = POLICY.prior_violations + violations, POLICY.prior_requests + requests
        certain = gamma.sf(POLICY.permitted_rate, shape, scale=1 / rate) >= POLICY.restrict_at
        if certain and (not crossed or violations >= crossed[-1] + POLICY.repeat_every):
            crossed.append(violations)
    return min(len(crossed), 2)


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    return Traffic(Scenario(seed=7, start=datetime(2026, 3, 2, tzinfo=UTC), users=4_000, offender_share=0.02))


@pytest.fixture(scope="module")
def found(traffic: Traffic) -> Counter[int]:
    return signals(traffic)


@pytest.mark.parametrize("kind", [index for index, offender in enumerate(OFFENDERS) if offender.loud_within])
def test_loud_offenders_are_warned_and_then_throttled_within_a_day(
    traffic: Traffic, found: Counter[int], kind: int
) -> None:
    users = np.flatnonzero(traffic.people["kind"] == kind).tolist()
    assert [found[user] for user in users] == [2] * len(users)


def test_the_low_and_slow_stay_unseen_for_a_day(traffic: Traffic, found: Counter[int]) -> None:
    quiet = [index for index, offender in enumerate(OFFENDERS) if offender.loud_within is None]
    assert not any(found[user] for user in np.flatnonzero(np.isin(traffic.people["kind"], quiet)).tolist())


def test_at_most_one_in_a_thousand_benign_users_crosses_at_all(traffic: Traffic, found: Counter[int]) -> None:
    benign = traffic.people["kind"] == BENIGN
    good = np.flatnonzero(benign & ~above_permitted(traffic.scenario, traffic.people)).tolist()
    assert sum(found[user] > 0 for user in good) <= 0.001 * len(good)
