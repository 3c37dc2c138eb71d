"""What comes of one attempt to deliver a notification, as values; it attempts nothing itself."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""

    status: int
    """The receiver's answer, e.g. 200."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now. `reason` is a short code such as `http_503`, `timeout` or `unreachable`."""

    reason: str
    after: timedelta | None = None
    """How long the receiver asked to be left alone, where it said so."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Never: trying again would not help. `reason` is a short code such as `http_410` or `gave_up:timeout`."""

    reason: str


Delivery = Delivered | Retry | Rejected
