"""How well the planted was found: truth against decisions and incidents, without clock, store or network."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from events import ScoreKey, SeriesKey
from traffic.offenders import OFFENDERS
from traffic.truth import ABOVE_PERMITTED, PlantedUser, Truth

RESTRICTING = frozenset({"throttle", "suspend", "ban"})
PERMITTED_MISTAKES = 0.001
"""At most this share of the benign users may be restricted."""
_PROVIDER = "azure.openai"
_SPIKE_GRACE = timedelta(hours=1)

Subject = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision against a subject, as far as scoring needs it."""

    tenant: str
    subject: str
    """Pseudonym."""
    measure: str
    """warn, throttle, suspend or ban."""
    at: datetime
    """Event time."""
    violations: int | None = None
    """Violations counted against the subject when it was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """One incident, as far as scoring needs it."""

    detector: str
    series: str
    opened_at: datetime
    """Event time of its first signal."""
    updated_at: datetime
    """Event time of its last signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindScore:
    """One kind of offender. Delays run from the start of the offending; None where nobody was found."""

    kind: str
    planted: int
    loud: int
    """Of these, sure to be found within the run."""
    found: int
    """With any decision, a warning included."""
    loud_found: int
    restricted: int
    """Throttled, suspended or banned."""
    delay: timedelta | None
    """Median event time to the first decision."""
    violations: float | None
    """Median violations at the first decision."""
    restricted_delay: timedelta | None
    """Median event time to the first restriction."""

    @property
    def recall(self) -> float | None:
        """Found among the planted; None where none was planted."""
        return self.found / self.planted if self.planted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BenignScore:
    """Users that nobody planted as offenders."""

    users: int
    warned: int
    """Warned only."""
    restricted: int

    @property
    def restricted_share(self) -> float:
        """0..1."""
        return self.restricted / self.users if self.users else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesScore:
    """One planted spike or drift."""

    what: str
    series: str
    loud: bool
    found: bool
    delay: timedelta | None
    """From its start to the incident; None when not found, or when the incident was open before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What was found of what was planted."""

    kinds: tuple[KindScore, ...]
    benign: BenignScore
    """At or below the permitted rate: whoever is restricted here is wronged."""
    above_permitted: BenignScore
    """Benign by law but with a block rate above the permitted one: restricting them is what the policy says."""
    series: tuple[SeriesScore, ...]
    false_incidents: int
    """Incidents that match nothing planted."""

    @property
    def loud_recall(self) -> float:
        """Found among the offenders that are sure to be found; 1.0 where there are none."""
        loud = sum(kind.loud for kind in self.kinds)
        return sum(kind.loud_found for kind in self.kinds) / loud if loud else 1.0

    @property
    def precision(self) -> float | None:
        """Among the restricted, those whose true block rate is above the permitted one; None: nobody restricted."""
        right = sum(kind.restricted for kind in self.kinds) + self.above_permitted.restricted
        restricted = right + self.benign.restricted
        return right / restricted if restricted else None

    @property
    def passed(self) -> bool:
        """Every loud offender was found and hardly any benign user restricted."""
        return self.loud_recall == 1.0 and self.benign.restricted_share <= PERMITTED_MISTAKES


@dataclass(frozen=True, slots=True)
class _Record:
    """What was decided against one subject."""

    first: Decided
    restricted_at: datetime | None


def score(
    truth: Truth,
    decisions: Iterable[Decided],
    incidents: Iterable[Raised],
    *,
    pseudonym: Callable[[str, str], str],
) -> Score:
    """Compare what was planted with what was decided within the run's event time.

    `pseudonym(tenant, raw user)` is the edge's own. Decisions about subjects that truth does not list count
    against the benign, so a store that also holds other traffic in the same time gives too many mistakes.
    An offender is found by a decision made after it started to offend.
    """
    planted = {(user.tenant, pseudonym(user.tenant, user.user)): user for user in truth.planted}
    records = _records(truth, decisions, planted)
    raised = list(incidents)
    windows = list(_windows(truth))
    above = [subject for subject, user in planted.items() if user.type == ABOVE_PERMITTED]
    return Score(
        kinds=tuple(_kind(offender.kind, planted, records) for offender in OFFENDERS),
        benign=_benign([subject for subject in records if subject not in planted], truth.benign, records),
        above_permitted=_benign(above, len(above), records),
        series=tuple(_series(window, raised) for window in windows),
        false_incidents=sum(not any(window.covers(one) for window in windows) for one in raised),
    )


def _records(truth: Truth, decisions: Iterable[Decided], planted: dict[Subject, PlantedUser]) -> dict[Subject, _Record]:
    records: dict[Subject, _Record] = {}
    for one in sorted(decisions, key=lambda decided: decided.at):
        subject = (one.tenant, one.subject)
        since = planted[subject].since if subject in planted else truth.start
        if not since <= one.at < truth.end:
            continue
        record = records.get(subject, _Record(one, None))
        if record.restricted_at is None and one.measure in RESTRICTING:
            record = _Record(record.first, one.at)
        records[subject] = record
    return records


def _kind(kind: str, planted: dict[Subject, PlantedUser], records: dict[Subject, _Record]) -> KindScore:
    users = {subject: user for subject, user in planted.items() if user.type == kind}
    found = {subject: records[subject] for subject in users if subject in records}
    restricted = [(record.restricted_at, users[subject].since) for subject, record in found.items()]
    counts = [record.first.violations for record in found.values() if record.first.violations is not None]
    return KindScore(
        kind=kind,
        planted=len(users),
        loud=sum(user.loud for user in users.values()),
        found=len(found),
        loud_found=sum(users[subject].loud for subject in found),
        restricted=sum(at is not None for at, _ in restricted),
        delay=_median([record.first.at - users[subject].since for subject, record in found.items()]),
        violations=median(counts) if counts else None,
        restricted_delay=_median([at - since for at, since in restricted if at is not None]),
    )


def _benign(subjects: list[Subject], users: int, records: dict[Subject, _Record]) -> BenignScore:
    found = [records[subject] for subject in subjects if subject in records]
    restricted = sum(record.restricted_at is not None for record in found)
    return BenignScore(users=users, warned=len(found) - restricted, restricted=restricted)


@dataclass(frozen=True, slots=True)
class _Window:
    """Where and when an incident of a detector is right."""

    detector: str
    series: str
    loud: bool
    since: datetime
    until: datetime

    def covers(self, one: Raised) -> bool:
        right = (one.detector, one.series) == (self.detector, self.series)
        return right and one.opened_at <= self.until and one.updated_at >= self.since


def _windows(truth: Truth) -> Iterator[_Window]:
    for spike in truth.spikes:
        key = SeriesKey(spike.tenant, spike.model, _PROVIDER, spike.provider_category, spike.stage)
        yield _Window("category_spike", str(key), spike.loud, spike.since, spike.until + _SPIKE_GRACE)
    for drift in truth.drifts:
        place = ScoreKey(drift.tenant, drift.model, drift.deployment, drift.metric, drift.evaluator, drift.version)
        yield _Window("groundedness_drift", str(place), drift.loud, drift.since, truth.end)


def _series(window: _Window, raised: list[Raised]) -> SeriesScore:
    first = min((one.opened_at for one in raised if window.covers(one)), default=None)
    return SeriesScore(
        what=window.detector,
        series=window.series,
        loud=window.loud,
        found=first is not None,
        delay=first - window.since if first is not None and first >= window.since else None,
    )


def _median(delays: list[timedelta]) -> timedelta | None:
    return timedelta(seconds=median(delay.total_seconds() for delay in delays)) if delays else None
