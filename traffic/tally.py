"""What a scenario will send and has planted, counted from its plan without rendering it; it reads no received event."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from traffic.offenders import OFFENDERS
from traffic.outcomes import IS_BLOCKED, VIOLENCE_SHARE
from traffic.planted import DRIFTED, EVALUATOR, EVALUATOR_VERSION, GROUNDED, METRIC
from traffic.population import BENIGN, above_permitted, raw_user
from traffic.requests import Traffic
from traffic.scenario import MINUTE_MS, Scenario
from traffic.sessions import Requests
from traffic.shapes import SCORED, Planted
from traffic.truth import ABOVE_PERMITTED, MinuteCount, PlantedDrift, PlantedSpike, PlantedUser, Truth, VerdictCount

_SPIKE_BASE_PER_HOUR, _SPIKE_RUN_HOURS = 60.0, 12
_SCORES_BEFORE, _SCORES_AFTER = 1_500, 200


def truth_of(scenario: Scenario) -> Truth:
    """Draw the whole plan once, without rendering it, and write down what is in it."""
    traffic = Traffic(scenario)
    tally = _Tally(traffic)
    for rows in traffic.hours():
        tally.add(rows)
    return Truth(
        seed=scenario.seed,
        start=scenario.moment(0),
        end=scenario.moment(scenario.end_ms),
        tenants=scenario.tenants,
        users=scenario.users,
        permitted_rate=scenario.permitted_rate,
        planted=tuple(_planted_users(traffic, tally)),
        spikes=(_spike(traffic, tally),),
        drifts=(_drift(traffic, tally),),
        requests=int(tally.requests.sum()),
        blocked=int(tally.blocked.sum()),
        verdicts=tuple(
            VerdictCount(category, state, int(count))
            for (category, state), count in zip(tally.columns, tally.verdicts, strict=True)
            if count
        ),
    )


def minute_counts(scenario: Scenario) -> Iterator[MinuteCount]:
    """How many verdicts are sent per tenant, minute, category and state, in order of minute; no zeros."""
    traffic = Traffic(scenario)
    columns, matrix = _verdict_matrix(traffic)
    for rows in traffic.hours():
        minutes, at = np.unique(rows["at"] // MINUTE_MS, return_inverse=True)
        tenants = len(scenario.tenants)
        group = at * tenants + traffic.people["tenant"][rows["user"]]
        counts = _verdicts(rows, group, groups=minutes.size * tenants, matrix=matrix)
        for place, column in np.argwhere(counts):
            minute = scenario.moment(minutes[place // tenants] * MINUTE_MS)
            category, state = columns[column]
            tenant = scenario.tenants[place % tenants]
            yield MinuteCount(tenant, minute, category, state, int(counts[place, column]))


class _Tally:
    """Sums over the hours of a run."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self.columns, self._matrix = _verdict_matrix(traffic)
        self.requests = np.zeros(traffic.people.size, np.int64)
        self.blocked = np.zeros(traffic.people.size, np.int64)
        self.verdicts = np.zeros(len(self.columns), np.int64)
        self.in_spike_series = 0
        self.scores = [0, 0]

    def add(self, rows: Requests) -> None:
        users = self._traffic.people.size
        self.requests += np.bincount(rows["user"], minlength=users)
        self.blocked += np.bincount(rows["user"], weights=IS_BLOCKED[rows["outcome"]], minlength=users).astype(np.int64)
        self.verdicts += _verdicts(rows, np.zeros(rows.size, np.int64), groups=1, matrix=self._matrix)[0]
        self._add_series(rows)

    def _add_series(self, rows: Requests) -> None:
        spike, drift = self._traffic.spike, self._traffic.drift
        tenant = self._traffic.people["tenant"][rows["user"]]
        in_spike = (tenant == spike.tenant) & (rows["deployment"] == spike.deployment)
        self.in_spike_series += int((in_spike & (rows["at"] >= spike.since) & (rows["at"] < spike.until)).sum())
        scored = (tenant == drift.tenant) & (rows["deployment"] == drift.deployment) & ~np.isnan(rows["score"])
        fallen = int((scored & (rows["at"] >= drift.since)).sum())
        self.scores = [self.scores[0] + int(scored.sum()) - fallen, self.scores[1] + fallen]


def _verdict_matrix(traffic: Traffic) -> tuple[list[tuple[str, str]], NDArray[np.int64]]:
    """Columns (category, state), and how many verdicts of each every shape carries; the last row is a score."""
    shapes: list[tuple[Planted, ...]] = [*(shape.verdicts for shape in traffic.shapes.table), (SCORED,)]
    columns = sorted({(one.category.value, one.state.value) for verdicts in shapes for one in verdicts})
    place = {column: index for index, column in enumerate(columns)}
    matrix = np.zeros((len(shapes), len(columns)), np.int64)
    for row, verdicts in enumerate(shapes):
        for one in verdicts:
            matrix[row, place[one.category.value, one.state.value]] += 1
    return columns, matrix


def _verdicts(rows: Requests, group: NDArray[np.int64], *, groups: int, matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """Verdicts per group of requests and column."""
    shapes = len(matrix)
    seen = np.bincount(group * shapes + rows["shape"], minlength=groups * shapes).reshape(groups, shapes)
    seen[:, -1] = np.bincount(group, weights=~np.isnan(rows["score"]), minlength=groups)
    return np.asarray(seen @ matrix)


def _planted_users(traffic: Traffic, tally: _Tally) -> Iterator[PlantedUser]:
    scenario, people = traffic.scenario, traffic.people
    for row in np.flatnonzero((people["kind"] != BENIGN) | above_permitted(scenario, people)).tolist():
        person = people[row]
        offender = None if person["kind"] == BENIGN else OFFENDERS[person["kind"]]
        within = offender.loud_within if offender else None
        yield PlantedUser(
            tenant=scenario.tenants[person["tenant"]],
            user=raw_user(scenario, people, row),
            type=offender.kind if offender else ABOVE_PERMITTED,
            since=scenario.moment(person["offends_at"]),
            loud=within is not None and scenario.hours >= within,
            rate=float(person["rate"]),
            requests=int(tally.requests[row]),
            blocked=int(tally.blocked[row]),
        )


def _spike(traffic: Traffic, tally: _Tally) -> PlantedSpike:
    scenario, spike = traffic.scenario, traffic.spike
    hours = (spike.until - spike.since) / (60 * MINUTE_MS)
    return PlantedSpike(
        tenant=scenario.tenants[spike.tenant],
        model=spike.model,
        provider_category="violence",
        stage="prompt",
        since=scenario.moment(spike.since),
        until=scenario.moment(spike.until),
        factor=spike.factor,
        loud=scenario.hours >= _SPIKE_RUN_HOURS
        and tally.in_spike_series * VIOLENCE_SHARE / hours >= _SPIKE_BASE_PER_HOUR,
    )


def _drift(traffic: Traffic, tally: _Tally) -> PlantedDrift:
    scenario, drift = traffic.scenario, traffic.drift
    before, after = tally.scores
    return PlantedDrift(
        tenant=scenario.tenants[drift.tenant],
        model=drift.model,
        deployment=drift.name,
        metric=METRIC,
        evaluator=EVALUATOR,
        version=EVALUATOR_VERSION,
        since=scenario.moment(drift.since),
        mean_before=GROUNDED,
        mean_after=DRIFTED,
        loud=before >= _SCORES_BEFORE and after >= _SCORES_AFTER,
    )
