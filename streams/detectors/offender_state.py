"""What is remembered of one subject: a few numbers for everybody, a case only for those who were blocked."""

import msgspec

REMEMBERED_REQUESTS = 4
"""Verdicts of one request follow each other; a few interleaved requests are told apart."""
REMEMBERED_HITS = 8


class Hit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When a category was last counted in a session, so that correlated blocks count once."""

    key: int
    """CRC-32 of session and category."""
    at: float
    """Epoch seconds."""
    varied: bool
    """It was, or was followed by, a variation of a blocked prompt."""


class Case(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The violations of one subject. At most 8 hits, 35 categories, 5 stages and `evidence_limit` event ids."""

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
