"""What is remembered of one subject: a few numbers for everybody, a case only for those who were blocked."""

from typing import NamedTuple

import msgspec

from streams.detectors.severity_cusum import Turn

REMEMBERED_REQUESTS = 4
"""Verdicts of one request follow each other; a few interleaved requests are told apart."""
REMEMBERED_HITS = 8
REMEMBERED_FILTERS = 8
REMEMBERED_CHARGES = 3


class Hit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When a category was last counted in a session, so that correlated blocks count once."""

    key: int
    """CRC-32 of session and category."""
    at: float
    """Epoch seconds."""
    varied: bool
    """It was, or was followed by, a variation of a blocked prompt."""


class Case(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One subject's violations. At most 8 hits, 8 filters, 35 categories, 5 stages and `evidence_limit` event ids."""

    weight: float = 0.0
    """Violations, decayed to `at`."""
    at: float = 0.0
    """Epoch seconds at which `weight` is valid."""
    violations: int = 0
    """Violations, not decayed."""
    severity: int = 0
    """Sum of the violations' severities; one without severity adds 2."""
    varied: int = 0
    """Violations that were variations after a block."""
    level: int = 0
    """Highest level signalled: 0 none, 1 review, 2 restrict, 3 block."""
    unsignalled: int = 0
    """Violations since the last signal."""
    request: int = 0
    """CRC-32 of the request counted last."""
    prompt: int = 0
    """CRC-32 of the prompt hash blocked last; 0 if it had none."""
    prompt_at: float = 0.0
    """Epoch seconds of that block."""
    hits: tuple[Hit, ...] = ()
    """Newest first."""
    categories: tuple[tuple[str, int], ...] = ()
    """Blocked requests per category."""
    stages: tuple[str, ...] = ()
    """Stages in which something was blocked."""
    evidence: tuple[str, ...] = ()
    """Event ids of violations, newest first."""
    turn: Turn = Turn()
    """The second path's evidence."""
    sketch: bytes = b""
    """MinHash of the prompt blocked last; empty where its shingles are unknown."""
    filters: tuple[str, ...] = ()
    """`name@version` or `name` of the filters behind the violations, newest first."""
    charged: tuple[int, ...] = ()
    """CRC-32 of the requests counted before the last one: their verdicts may be interleaved."""


class OffenderState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One subject. Without a case it encodes to about 60 bytes."""

    requests: int = 0
    """Requests, not decayed."""
    weight: float = 0.0
    """Requests, decayed to `at`."""
    at: float = 0.0
    """Epoch seconds of the latest request; `weight` is valid here."""
    since: float = 0.0
    """Epoch seconds of the earliest request."""
    recent: tuple[int, ...] = ()
    """CRC-32 of the requests counted last, newest first."""
    case: Case | None = None
    """Set by the first violation."""


class Gain(NamedTuple):
    """What one step counted: the running totals of api keys are sums of these."""

    requests: int
    violations: int
    severity: int
    varied: int


def gain(before: OffenderState, after: OffenderState) -> Gain:
    """The difference that one step made to a subject."""
    requests = after.requests - before.requests
    if after.case is None or after.case is before.case:
        return Gain(requests, 0, 0, 0)
    old, new = before.case or Case(), after.case
    return Gain(requests, new.violations - old.violations, new.severity - old.severity, new.varied - old.varied)
