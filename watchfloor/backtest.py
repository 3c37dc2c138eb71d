"""Two policies rehearsed on the same events, and what differs; it reads no source and prints nothing by itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from alerts.decision import MEASURES
from broker.bulk import Outgoing
from events.pseudonym import Pseudonymiser
from policy import LoadedPolicy
from streams.rehearsal import Rehearsal
from streams.rehearsed import Rehearsed
from traffic.score import Decided, Raised, Score, score
from traffic.truth import Truth

SeriesName = tuple[str, str]
"""Detector and series."""
OUTCOMES = ("read", "applied", "late", "duplicate", "dead")


@dataclass(frozen=True, slots=True)
class Side:
    """One policy and what it found."""

    policy: LoadedPolicy
    found: Rehearsed

    @property
    def measures(self) -> dict[str, int]:
        """Measure → subjects whose gravest measure it was or would have been."""
        gravest = list(self.found.gravest().values())
        return {measure: gravest.count(measure) for measure in MEASURES}

    @property
    def signals(self) -> dict[str, dict[str, int]]:
        """Detector → level → signals."""
        found: dict[str, dict[str, int]] = {}
        for (detector, level), count in sorted(self.found.signals.items()):
            found.setdefault(detector, {})[level] = count
        return found

    def incidents(self, level: str) -> frozenset[SeriesName]:
        """Series with an incident of that level, `page` or `ticket`."""
        return frozenset((one.detector, one.series) for one in self.found.incidents.values() if one.level == level)

    def opened(self, level: str) -> int:
        """Incidents of that level."""
        return sum(one.level == level for one in self.found.incidents.values())

    def score(self, truth: Truth, pseudonymiser: Pseudonymiser) -> Score:
        """What was planted against what was, or would have been, done."""
        decided = [
            Decided(tenant=one.tenant, subject=one.subject, measure=one.measure, at=one.at, violations=one.violations)
            for one in self.found.acts
        ]
        raised = [
            Raised(detector=one.detector, series=one.series, opened_at=one.opened_at, updated_at=one.updated_at)
            for one in self.found.incidents.values()
        ]
        named = pseudonymiser.pseudonym
        return score(truth, decided, raised, pseudonym=lambda tenant, user: named(tenant, "subject", user))


class Backtest:
    """The candidate and the current policy side by side; every event is fed to both."""

    def __init__(self, candidate: LoadedPolicy, current: LoadedPolicy, *, partitions: int) -> None:
        self._rehearsals = tuple(Rehearsal(one, partitions=partitions) for one in (candidate, current))
        self.seconds = 0.0
        """Time spent in both rehearsals, without that of the source."""
        self.candidate, self.current = (Side(one.policy, one.found) for one in self._rehearsals)

    def feed(self, events: list[Outgoing]) -> None:
        """Apply a batch. Raises TooManyDeadLetters."""
        started = perf_counter()
        for rehearsal in self._rehearsals:
            rehearsal.feed(events)
        self.seconds += perf_counter() - started

    @property
    def events(self) -> dict[str, int]:
        """What became of the events; the policies' own rules of lateness decide, these are the candidate's."""
        return {outcome: self.candidate.found.events(outcome) for outcome in OUTCOMES}

    @property
    def subjects(self) -> int:
        """Subjects seen."""
        return len(self.candidate.found.subjects)

    @property
    def speed(self) -> float:
        """Events per second and policy."""
        return 2 * self.events["read"] / self.seconds if self.seconds else 0.0

    def document(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        restricted = [side.found.restricted() for side in (self.candidate, self.current)]
        series = [side.incidents("page") for side in (self.candidate, self.current)]
        return {
            "events": self.events,
            "subjects": self.subjects,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.speed),
            "candidate": self._side(self.candidate),
            "current": self._side(self.current),
            "restricted": _differing("tenant", "subject", sets=restricted),
            "paged": _differing("detector", "series", sets=series),
        }

    def _side(self, side: Side) -> dict[str, Any]:
        restricted = len(side.found.restricted())
        return {
            "policy": side.policy.policy.name,
            "version": side.policy.version,
            "mode": side.policy.policy.mode,
            "subjects_by_measure": side.measures,
            "restricted": restricted,
            "restricted_per_1000": self.per_thousand(restricted),
            "pages": side.opened("page"),
            "tickets": side.opened("ticket"),
            "signals": side.signals,
            "held": dict(sorted(side.found.held.items())),
        }

    def per_thousand(self, count: int) -> float:
        """Per 1,000 subjects seen."""
        return round(1000 * count / self.subjects, 3) if self.subjects else 0.0


def _differing(*names: str, sets: list[frozenset[tuple[str, str]]]) -> dict[str, list[dict[str, str]]]:
    candidate, current = sets
    parts = {"both": candidate & current, "only_candidate": candidate - current, "only_current": current - candidate}
    return {part: [dict(zip(names, one, strict=True)) for one in sorted(found)] for part, found in parts.items()}


def rows(backtest: Backtest) -> Iterator[tuple[str, int, int]]:
    """(what, candidate, current) for the table."""
    left, right = backtest.candidate, backtest.current
    for measure in MEASURES:
        yield f"subjects: {measure} at the gravest", left.measures[measure], right.measures[measure]
    yield "subjects restricted", len(left.found.restricted()), len(right.found.restricted())
    yield "pages", left.opened("page"), right.opened("page")
    yield "tickets", left.opened("ticket"), right.opened("ticket")
    for detector, level in sorted(left.found.signals.keys() | right.found.signals.keys()):
        kind = (detector, level)
        yield f"signals: {detector}, {level}", left.found.signals[kind], right.found.signals[kind]
    for reason in sorted(left.found.held.keys() | right.found.held.keys()):
        yield f"held: {reason}", left.found.held[reason], right.found.held[reason]


def words(backtest: Backtest, *, listed: int) -> Iterable[str]:
    """What the table does not show: who is restricted under one policy only, which series pages under one only."""
    document = backtest.document()
    for what in ("restricted", "paged"):
        parts = document[what]
        counts = {part: len(found) for part, found in parts.items()}
        yield f"{what}: {counts['both']} under both, {counts['only_candidate']} under the candidate only, " \
              f"{counts['only_current']} under the current policy only"  # fmt: skip
        for part in ("only_candidate", "only_current"):
            for one in parts[part][:listed]:
                yield f"  {part.replace('_', ' ')}: {' '.join(one.values())}"
            if counts[part] > listed:
                yield f"  {part.replace('_', ' ')}: … and {counts[part] - listed} more (--json names all)"
