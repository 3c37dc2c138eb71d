"""Requests as rows of numbers, an hour at a time: who asks when, and what becomes of it; nothing is rendered here."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from traffic.deployments import DEPLOYMENTS
from traffic.outcomes import (
    CLEAN_INDEX,
    IS_ANSWERED,
    IS_REFUSED,
    VIOLENT_PROMPT_INDEX,
    draw_outcomes,
)
from traffic.planted import GROUNDED_STRENGTH, Drift, Spike, drift_of, spike_of
from traffic.population import People, draw_people, pick
from traffic.scenario import HOUR_MS, Scenario
from traffic.shapes import Shapes

REQUEST = np.dtype(
    [
        ("at", "i8"),  # ms after the start
        ("user", "i4"),
        ("session", "i8"),  # hour of its start and number in that hour
        ("deployment", "i1"),
        ("outcome", "i2"),
        ("shape", "i2"),
        ("prompt_hash", "u8"),
        ("prompt_tokens", "i4"),
        ("completion_tokens", "i4"),
        ("latency_ms", "f4"),
        ("score", "f4"),  # groundedness, NaN where nothing was scored
        ("retry", "?"),  # the blocked prompt before it, sent again unchanged
    ]
)
Requests = NDArray[np.void]

SESSION_BITS = 32
_PEAK_HOUR = 14
_DAY_AMPLITUDE = 0.5
_WEEKEND = 0.7
_SATURDAY = 5


class Traffic:
    """The requests of a scenario. `hours()` may be called again and gives the same rows."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.people: People = draw_people(scenario)
        self.shapes = Shapes()
        self.spike: Spike = spike_of(scenario)
        self.drift: Drift = drift_of(scenario)

    def hours(self) -> Iterator[Requests]:
        """One array per hour, in order of time; sessions that go on past the hour are carried over."""
        carried = np.zeros(0, REQUEST)
        for hour in range(self.scenario.hours):
            rng = self.scenario.random(1, hour)
            rows = np.concatenate([carried, self._fresh(hour, rng)])
            rows = rows[np.argsort(rows["at"], kind="stable")]
            ends = np.searchsorted(rows["at"], (hour + 1) * HOUR_MS)
            due, carried = rows[:ends], rows[ends:]
            if self.scenario.arrivals is not None:
                due["at"] = self.scenario.arrivals.shape(due["at"], rng)
            yield due

    def _fresh(self, hour: int, rng: np.random.Generator) -> Requests:
        rows = self._sessions(hour, rng)
        rows = rows[rows["at"] < self.people["active_to"][rows["user"]]]
        self._outcomes(rows, rng)
        _repeat_blocked(rows, self.people["retry"][rows["user"]], rng)
        code = np.array([deployment.code for deployment in DEPLOYMENTS])[rows["deployment"]]
        rows["shape"] = self.shapes.draw(rows["outcome"].astype(np.int64), code, rng)
        self._tokens(rows, rng)
        self._scores(rows, rng)
        return rows

    def _sessions(self, hour: int, rng: np.random.Generator) -> Requests:
        """Requests of the sessions that start in this hour, session after session."""
        people = self.people
        starts = rng.poisson(self._expected(hour) / people["session_length"])
        user = np.repeat(np.arange(people.size), starts)
        length = rng.geometric(1 / people["session_length"][user])
        session = np.repeat(np.arange(user.size), length)
        rows = np.zeros(session.size, REQUEST)
        rows["user"] = user[session]
        rows["session"] = (hour << SESSION_BITS) + session
        rows["deployment"] = pick(np.array([one.share for one in DEPLOYMENTS]), user.size, rng)[session]
        begins = self._begins(user, hour, rng)
        rows["at"] = (begins[session] + _within(session, people["gap_ms"][rows["user"]], rng)).astype(np.int64)
        return rows

    def _begins(self, user: NDArray[np.int64], hour: int, rng: np.random.Generator) -> NDArray[np.float64]:
        earliest = np.maximum(self.people["active_from"][user], hour * HOUR_MS)
        latest = np.minimum(self.people["active_to"][user], (hour + 1) * HOUR_MS)
        return np.asarray(earliest + rng.random(user.size) * (latest - earliest))

    def _expected(self, hour: int) -> NDArray[np.float64]:
        """Requests that each user is expected to make in this hour."""
        people = self.people
        share = np.where(people["round_the_clock"], 1.0, day_curve(self.scenario, hour))
        active = np.minimum(people["active_to"], (hour + 1) * HOUR_MS) - np.maximum(
            people["active_from"], hour * HOUR_MS
        )
        return np.asarray(people["volume"] / 24 * share * np.clip(active / HOUR_MS, 0, 1))

    def _outcomes(self, rows: Requests, rng: np.random.Generator) -> None:
        people = self.people[rows["user"]]
        rate = np.where(rows["at"] < people["offends_at"], people["rate_before"], people["rate"])
        rows["outcome"] = draw_outcomes(rng.random(rows.size) < rate, people["profile"], rng)
        rows["prompt_hash"] = rng.integers(0, 2**64, rows.size, dtype=np.uint64)
        hit = self.spike.hits(rows, people["tenant"], rng) & (rows["outcome"] == CLEAN_INDEX)
        rows["outcome"][hit] = VIOLENT_PROMPT_INDEX

    def _tokens(self, rows: Requests, rng: np.random.Generator) -> None:
        arrivals = self.scenario.arrivals
        if arrivals is not None:
            rows["prompt_tokens"], rows["completion_tokens"] = arrivals.draw_tokens(rows.size, rng).T
        else:
            rows["prompt_tokens"] = 1 + np.exp(6.4 + 1.1 * rng.standard_normal(rows.size))
            rows["completion_tokens"] = 1 + np.exp(5.0 + 0.9 * rng.standard_normal(rows.size))
        rows["latency_ms"] = 250 + rows["completion_tokens"] * 12 * np.exp(0.2 * rng.standard_normal(rows.size))
        rows["latency_ms"][IS_REFUSED[rows["outcome"]]] = 180

    def _scores(self, rows: Requests, rng: np.random.Generator) -> None:
        scored = np.array([deployment.scored for deployment in DEPLOYMENTS])[rows["deployment"]]
        scored &= IS_ANSWERED[rows["outcome"]]
        mean = self.drift.mean(rows, self.people["tenant"][rows["user"]])
        drawn = rng.beta(GROUNDED_STRENGTH * mean, GROUNDED_STRENGTH * (1 - mean))
        rows["score"] = np.where(scored, drawn, np.nan)


def day_curve(scenario: Scenario, hour: int) -> float:
    """How busy an hour is against the mean weekday hour: the afternoon (UTC) is e times the night, weekends 0.7."""
    moment = scenario.moment(hour * HOUR_MS)
    season = np.exp(_DAY_AMPLITUDE * np.cos(2 * np.pi * (moment.hour + 0.5 - _PEAK_HOUR) / 24)) / np.i0(_DAY_AMPLITUDE)
    return float(season * (_WEEKEND if moment.weekday() >= _SATURDAY else 1.0))


def _within(session: NDArray[np.int64], gap_ms: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Milliseconds since the start of each row's session."""
    elapsed = np.cumsum(rng.exponential(gap_ms))
    first = np.searchsorted(session, session)
    return np.asarray(elapsed - elapsed[first])


def _repeat_blocked(rows: Requests, retry: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Let the request after a refused prompt be the same prompt again, refused again; once, not for ever."""
    again = IS_REFUSED[rows["outcome"][:-1]] & (rows["session"][1:] == rows["session"][:-1])
    again &= rng.random(again.size) < retry[:-1]
    again[1:] &= ~again[:-1]
    later = np.flatnonzero(again) + 1
    for field in ("outcome", "prompt_hash"):
        rows[field][later] = rows[field][later - 1]
    rows["retry"][later] = True
