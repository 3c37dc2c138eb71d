"""The document of what a simulation planted and sent; it says nothing about what was found."""

from datetime import datetime

import msgspec

from traffic.errors import TruthError

ABOVE_PERMITTED = "benign_above_permitted"


class PlantedUser(msgspec.Struct, frozen=True, kw_only=True):
    """One user who is not plainly benign."""

    tenant: str
    user: str
    """Raw identifier, as in the envelopes."""
    type: str
    """A kind of offender, or `benign_above_permitted`."""
    since: datetime
    """From when on it offends."""
    loud: bool
    """It must be found within this run."""
    rate: float
    """Chance that a fresh prompt of it is blocked."""
    requests: int
    """Requests sent in this run."""
    blocked: int
    """Of these, blocked."""


class PlantedSpike(msgspec.Struct, frozen=True, kw_only=True):
    """A category that rises in one series."""

    tenant: str
    model: str
    provider_category: str
    stage: str
    since: datetime
    until: datetime
    factor: float
    loud: bool
    """The series is busy enough for it to be found."""


class PlantedDrift(msgspec.Struct, frozen=True, kw_only=True):
    """Scores that fall in one series."""

    tenant: str
    model: str
    deployment: str
    metric: str
    evaluator: str
    version: str
    since: datetime
    mean_before: float
    mean_after: float
    loud: bool
    """There are enough scores before and after for it to be found."""


class VerdictCount(msgspec.Struct, frozen=True):
    """Verdicts of one category and state over the whole run."""

    category: str
    state: str
    count: int


class MinuteCount(msgspec.Struct, frozen=True):
    """Verdicts of one tenant, category and state in one minute of event time."""

    tenant: str
    minute: datetime
    category: str
    state: str
    count: int


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was planted, and how much was sent."""

    seed: int
    start: datetime
    end: datetime
    tenants: tuple[str, ...]
    users: int
    """All users, offenders included."""
    permitted_rate: float
    """Benign users with a higher block rate of their own are listed as `benign_above_permitted`."""
    planted: tuple[PlantedUser, ...]
    """Offenders and the benign above the permitted rate; everybody else is benign."""
    spikes: tuple[PlantedSpike, ...]
    drifts: tuple[PlantedDrift, ...]
    requests: int
    blocked: int
    """Requests whose prompt or completion was blocked."""
    verdicts: tuple[VerdictCount, ...]

    @property
    def benign(self) -> int:
        """Users at or below the permitted rate."""
        return self.users - len(self.planted)


def write_truth(truth: Truth) -> bytes:
    """The document as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(truth), indent=1)


def read_truth(document: bytes) -> Truth:
    """Read such a document back. Raises TruthError for any other."""
    try:
        return msgspec.json.decode(document, type=Truth)
    except msgspec.MsgspecError as error:
        raise TruthError(str(error)) from error
