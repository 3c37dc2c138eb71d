"""Who the users are: volume, block rate, habits and home of each; it knows no request."""

import math

import numpy as np
from numpy.typing import NDArray

from traffic.offenders import OFFENDERS, planted
from traffic.outcomes import BENIGN_PROFILE, OFFENDER_PROFILES
from traffic.scenario import HOUR_MS, Scenario

BENIGN = -1
MEDIAN_VOLUME = 15.0
VOLUME_SIGMA = math.log(323 / 15) / 2.3263478740408408
RATE_SHAPE, RATE_MEAN = 0.5, 0.005
WEEKEND = 0.7
RETRY_SHARE = 0.3
VARYING_SHARE = 0.8
LANGUAGES = (("en", 0.55), ("de", 0.12), ("es", 0.1), ("fr", 0.08), ("ja", 0.06), ("pt-BR", 0.05), ("hi", 0.04))
RELEASES = (("2026.9", 0.9), ("2026.10-canary", 0.1))

PERSON = np.dtype(
    [
        ("kind", "i1"),
        ("tenant", "i2"),
        ("language", "i1"),
        ("release", "i1"),
        ("profile", "i1"),
        ("volume", "f8"),
        ("rate_before", "f8"),
        ("rate", "f8"),
        ("offends_at", "i8"),
        ("active_from", "i8"),
        ("active_to", "i8"),
        ("session_length", "f8"),
        ("gap_ms", "f8"),
        ("retry", "f8"),
        ("weekend", "f8"),
        ("round_the_clock", "?"),
    ]
)
"""One user. `kind` is an index into OFFENDERS or BENIGN, `profile` the categories that blocks fall into, `volume`
requests per weekday and `weekend` the factor for the other days; `rate_before` and `rate` are the chances that a fresh
prompt is blocked before and from `offends_at` on, `retry` that a blocked one is sent again unchanged; times are ms
after the start."""

People = NDArray[np.void]


def draw_people(scenario: Scenario) -> People:
    """Every user of the scenario as one row: the benign by the reference laws, offenders spread among them.

    Volume is log-normal (median 15, 99th percentile 323 requests a day), the block rate Gamma(0.5) with mean 0.5 %.
    """
    rng = scenario.random(0)
    people = _benign(scenario, rng)
    rows = iter(rng.permutation(scenario.users)[: sum(planted(scenario.users, scenario.offender_share))].tolist())
    for kind, count in enumerate(planted(scenario.users, scenario.offender_share)):
        for row in (next(rows) for _ in range(count)):
            _turn_bad(people, row, kind=kind, scenario=scenario, rng=rng)
    return people


def raw_user(scenario: Scenario, people: People, row: int) -> str:
    """The identifier that the application knows its user by; it leaves the simulation only towards the edge."""
    return f"user{row:06d}@{scenario.tenants[people['tenant'][row]]}.example"


def above_permitted(scenario: Scenario, people: People) -> NDArray[np.bool_]:
    """Benign users whose own block rate is above the permitted one: unlucky by law, not planted."""
    return np.asarray((people["kind"] == BENIGN) & (people["rate"] > scenario.permitted_rate))


def pick(shares: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`count` indices drawn with the given shares, which need not sum to one."""
    bounds = np.cumsum(shares)
    return np.searchsorted(bounds / bounds[-1], rng.random(count), side="right")


def shares(table: tuple[tuple[str, float], ...]) -> NDArray[np.float64]:
    """The second column of a table of names and shares."""
    return np.array([share for _, share in table])


def _benign(scenario: Scenario, rng: np.random.Generator) -> People:
    count = scenario.users
    people = np.zeros(count, PERSON)
    people["kind"] = BENIGN
    people["tenant"] = pick(1 / np.arange(1.0, len(scenario.tenants) + 1), count, rng)
    people["language"] = pick(shares(LANGUAGES), count, rng)
    people["release"] = pick(shares(RELEASES), count, rng)
    people["profile"] = BENIGN_PROFILE
    people["volume"] = MEDIAN_VOLUME * np.exp(VOLUME_SIGMA * rng.standard_normal(count))
    people["rate"] = np.minimum(rng.gamma(RATE_SHAPE, RATE_MEAN / RATE_SHAPE, count), 0.5)
    people["rate_before"] = people["rate"]
    people["active_to"] = scenario.end_ms
    people["session_length"] = 4.0
    people["gap_ms"] = 60_000.0
    people["retry"] = RETRY_SHARE
    people["weekend"] = WEEKEND
    return people


def _turn_bad(people: People, row: int, *, kind: int, scenario: Scenario, rng: np.random.Generator) -> None:
    offender = OFFENDERS[kind]
    begins = int(rng.uniform(*offender.starts_at) * scenario.end_ms)
    person = people[row : row + 1]
    person["kind"] = kind
    person["profile"] = OFFENDER_PROFILES[rng.integers(len(OFFENDER_PROFILES))]
    person["volume"] = offender.volume
    person["rate_before"], person["rate"] = offender.rate_before, offender.rate
    person["offends_at"] = begins
    if offender.active_hours is not None:
        person["active_from"], person["active_to"] = begins, begins + int(offender.active_hours * HOUR_MS)
    person["session_length"], person["gap_ms"] = offender.session_length, offender.gap_s * 1000
    person["retry"] = 0.0 if rng.random() < VARYING_SHARE else RETRY_SHARE
    person["weekend"] = 1.0
    person["round_the_clock"] = offender.round_the_clock
