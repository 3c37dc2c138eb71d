"""What becomes of the requests, hour by hour, as rows of numbers; nothing is rendered here."""

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
from traffic.population import People, draw_people
from traffic.scenario import HOUR_MS, Scenario
from traffic.sessions import REQUEST, Requests, hour_of_sessions
from traffic.shapes import Shapes


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
        rows = hour_of_sessions(self.scenario, self.people, hour=hour, rng=rng)
        self._outcomes(rows, rng)
        _repeat_blocked(rows, self.people["retry"][rows["user"]], rng)
        code = np.array([deployment.code for deployment in DEPLOYMENTS])[rows["deployment"]]
        rows["shape"] = self.shapes.draw(rows["outcome"].astype(np.int64), code, rng)
        self._tokens(rows, rng)
        self._scores(rows, rng)
        return rows

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
        share = np.array([deployment.scored for deployment in DEPLOYMENTS])[rows["deployment"]]
        scored = (rng.random(rows.size) < share) & IS_ANSWERED[rows["outcome"]]
        mean = self.drift.mean(rows, self.people["tenant"][rows["user"]])
        drawn = rng.beta(GROUNDED_STRENGTH * mean, GROUNDED_STRENGTH * (1 - mean))
        rows["score"] = np.where(scored, drawn, np.nan)


def _repeat_blocked(rows: Requests, retry: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Let the request after a refused prompt be the same prompt again, refused again; once, not for ever."""
    again = IS_REFUSED[rows["outcome"][:-1]] & (rows["session"][1:] == rows["session"][:-1])
    again &= rng.random(again.size) < retry[:-1]
    again[1:] &= ~again[:-1]
    later = np.flatnonzero(again) + 1
    for field in ("outcome", "prompt_hash"):
        rows[field][later] = rows[field][later - 1]
    rows["retry"][later] = True
