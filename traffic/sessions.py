"""Who asks when: the requests of one hour's sessions as rows of numbers; what becomes of them is not drawn here."""

import numpy as np
from numpy.typing import NDArray

from traffic.deployments import DEPLOYMENTS
from traffic.population import People, pick
from traffic.scenario import HOUR_MS, Scenario

REQUEST = np.dtype(
    [
        ("at", "i8"),
        ("user", "i4"),
        ("session", "i8"),
        ("deployment", "i1"),
        ("outcome", "i2"),
        ("shape", "i2"),
        ("prompt_hash", "u8"),
        ("prompt_tokens", "i4"),
        ("completion_tokens", "i4"),
        ("latency_ms", "f4"),
        ("score", "f4"),
        ("retry", "?"),
    ]
)
"""One request. `at` is ms after the start, `session` the hour of its start and its number in that hour, `score` the
groundedness or NaN where nothing was scored, `retry` whether it is the blocked prompt before it, sent again."""

Requests = NDArray[np.void]

SESSION_BITS = 32
_PEAK_HOUR = 14
_DAY_AMPLITUDE = 0.5
_SATURDAY = 5


def hour_of_sessions(scenario: Scenario, people: People, *, hour: int, rng: np.random.Generator) -> Requests:
    """Requests of the sessions that start in this hour, session after session; the last may be in later hours."""
    starts = rng.poisson(_expected(scenario, people, hour) / people["session_length"])
    user = np.repeat(np.arange(people.size), starts)
    length = rng.geometric(1 / people["session_length"][user])
    session = np.repeat(np.arange(user.size), length)
    rows: Requests = np.zeros(session.size, REQUEST)
    rows["user"] = user[session]
    rows["session"] = (hour << SESSION_BITS) + session
    rows["deployment"] = pick(np.array([one.share for one in DEPLOYMENTS]), user.size, rng)[session]
    begins = _begins(people[user], hour, rng)
    rows["at"] = (begins[session] + _within(session, people["gap_ms"][rows["user"]], rng)).astype(np.int64)
    active: Requests = rows[rows["at"] < people["active_to"][rows["user"]]]
    return active


def busyness(hour: int) -> float:
    """How busy an hour of the day (UTC) is against the mean one: the afternoon is e times the night."""
    return float(np.exp(_DAY_AMPLITUDE * np.cos(2 * np.pi * (hour + 0.5 - _PEAK_HOUR) / 24)) / np.i0(_DAY_AMPLITUDE))


def _expected(scenario: Scenario, people: People, hour: int) -> NDArray[np.float64]:
    """Requests that each user is expected to make in this hour."""
    moment = scenario.moment(hour * HOUR_MS)
    share = np.where(people["round_the_clock"], 1.0, busyness(moment.hour))
    share *= people["weekend"] if moment.weekday() >= _SATURDAY else 1.0
    earliest, latest = _bounds(people, hour)
    return np.asarray(people["volume"] / 24 * share * np.maximum(latest - earliest, 0) / HOUR_MS)


def _begins(people: People, hour: int, rng: np.random.Generator) -> NDArray[np.float64]:
    earliest, latest = _bounds(people, hour)
    return np.asarray(earliest + rng.random(people.size) * (latest - earliest))


def _bounds(people: People, hour: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The part of the hour in which each user is active."""
    return np.maximum(people["active_from"], hour * HOUR_MS), np.minimum(people["active_to"], (hour + 1) * HOUR_MS)


def _within(session: NDArray[np.int64], gap_ms: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Milliseconds since the start of each row's session."""
    elapsed = np.cumsum(rng.exponential(gap_ms))
    first = np.searchsorted(session, session)
    return np.asarray(elapsed - elapsed[first])
