"""What to simulate: seed, size, length and start. It holds inputs only and draws nothing."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zlib import crc32

import numpy as np

from traffic.arrivals import Arrivals
from traffic.errors import ScenarioError

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
_TENANT = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")

Share = Annotated[float, "0..1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The inputs of a simulation; equal scenarios give equal traffic, byte for byte.

    Raises ScenarioError for a field that cannot be simulated.

    >>> Scenario(seed=7, start=datetime(2026, 3, 2, tzinfo=UTC)).hours
    24
    """

    seed: int
    """Everything random follows from it."""
    start: datetime
    """Event time of the first possible request; with time zone."""
    users: int = 20_000
    """All users, offenders included."""
    hours: int = 24
    """Length in event time."""
    tenants: tuple[str, ...] = ("contoso", "fabrikam", "tailspin")
    """The first one is the largest, and where spike and drift are planted."""
    offender_share: Share = 0.003
    """Offenders among the users; of each type at least three are planted."""
    permitted_rate: Share = 0.02
    """The policy's r0: a benign user whose own block rate is above it is labelled so."""
    arrivals: Arrivals | None = None
    """A recorded trace whose burstiness and token counts the traffic takes on."""

    def __post_init__(self) -> None:
        for field, fits, reason in (
            ("seed", 0 <= self.seed < 2**63, "must be between 0 and 2^63 - 1"),
            ("start", self.start.tzinfo is not None, "needs a time zone"),
            ("users", 50 <= self.users <= 5_000_000, "must be between 50 and 5,000,000"),
            ("hours", 1 <= self.hours <= 24 * 366, "must be between 1 and 8784"),
            ("tenants", 1 <= len(set(self.tenants)) == len(self.tenants) <= 100, "must be 1 to 100 different names"),
            ("tenants", all(map(_TENANT.match, self.tenants)), "must be lower-case names of at most 64 characters"),
            ("offender_share", 0 <= self.offender_share <= 0.25, "must be between 0 and 0.25"),
            ("permitted_rate", 0 < self.permitted_rate < 1, "must be between 0 and 1"),
        ):
            if not fits:
                raise ScenarioError(field, reason)

    @property
    def end(self) -> datetime:
        """The first moment after the run."""
        return self.start + timedelta(hours=self.hours)

    @property
    def end_ms(self) -> int:
        """The run's length in milliseconds."""
        return self.hours * HOUR_MS

    @property
    def start_ms(self) -> int:
        """Milliseconds from the Unix epoch to the start."""
        return round(self.start.timestamp() * 1000)

    @property
    def run(self) -> str:
        """Eight hex digits that set this run's request ids apart from those of other runs."""
        size = (self.seed, self.start_ms, self.users, self.hours, self.offender_share, self.arrivals is not None)
        return f"{crc32(repr((*size, self.tenants)).encode()):08x}"

    def moment(self, ms: float) -> datetime:
        """The event time `ms` milliseconds after the start, in UTC."""
        return self.start.astimezone(UTC) + timedelta(milliseconds=float(ms))

    def random(self, *purpose: int) -> np.random.Generator:
        """A random generator of its own for each purpose, so that hours can be drawn apart."""
        return np.random.default_rng((self.seed, *purpose))
