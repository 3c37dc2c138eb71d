"""Evidence that a subject has turned, from the severities of its violations; clean requests are counted, not visited.

Severity weights are log-likelihood ratios of an offender's profile against the benign one, not points. A clean request
adds the same negative number to every profile, so any run of them is settled when the next violation comes: the
statistic is exactly that of `mixture_cusum.advance` request by request, at no cost per clean request.
"""

from collections.abc import Sequence
from math import log, log1p
from typing import NamedTuple

import msgspec

from streams.detectors.mixture_cusum import Logs, idled, log_mean

UNKNOWN = 0
"""The grade of a violation without severity; the others are 1 low, 2 medium, 3 high."""
SEVERITY_UNKNOWN = 2
"""What a violation without severity counts for in gravity."""


class Weights(NamedTuple):
    """ln L per profile of every outcome of a request, and the most evidence that is kept."""

    clean: Logs
    """Not blocked: negative for every profile."""
    blocked: tuple[Logs, ...]
    """By grade; of grade 0, unknown, only that it was blocked is used."""
    ceiling: float
    """Evidence above it proves nothing more, and would outlast a person's better ways."""


class Turn(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The evidence as of the last violation, and what has happened since then beside clean requests."""

    logs: Logs = ()
    """ln E per profile right after the last violation."""
    judged: int = 0
    """Requests of the subject up to and including that violation."""
    repeated: int = 0
    """Requests since then that repeated a violation within the gap: neither clean nor violations."""
    request: int = 0
    """CRC-32 of the latest such request."""
    grade: int = UNKNOWN
    """Grade of the last violation."""


def weights(benign: Sequence[float], profiles: Sequence[Sequence[float]], *, ceiling: float) -> Weights:
    """`benign`: shares of requests blocked at low, medium and high severity; `profiles`: multiples of them.

    >>> [round(x, 2) for x in weights((0.016, 0.0034, 0.0006), [(10, 10, 10)], ceiling=20.0).clean]
    [-0.2]
    """
    sums = [sum(p * times for p, times in zip(benign, profile, strict=True)) for profile in profiles]
    total = sum(benign)
    return Weights(
        tuple(log1p(-share) - log1p(-total) for share in sums),
        (
            tuple(log(share / total) for share in sums),
            *(tuple(log(profile[grade]) for profile in profiles) for grade in range(3)),
        ),
        ceiling,
    )


def grade_of(severity: int | None) -> int:
    """What was blocked although it was safe counts as low."""
    return UNKNOWN if severity is None else max(1, severity)


def gravity_of(grade: int) -> int:
    """Points of severity, 1..3."""
    return grade or SEVERITY_UNKNOWN


def with_violation(turn: Turn, scale: Weights, *, requests: int, request: int, grade: int) -> Turn:
    """Settle the clean requests since the last violation, then take a new one in; `requests` includes its own."""
    repeated = turn.repeated - (turn.repeated > 0 and request == turn.request)
    clean = max(0, requests - turn.judged - repeated - 1)
    before = idled(_held(turn, scale), scale.clean, times=clean)
    return Turn(_added(before, scale.blocked[grade], scale), requests, 0, turn.request, grade)


def with_repetition(turn: Turn, request: int) -> Turn:
    """A request that only repeated a violation; its further verdicts change nothing."""
    if turn.repeated and request == turn.request:
        return turn
    return Turn(turn.logs, turn.judged, turn.repeated + 1, request, turn.grade)


def with_graver(turn: Turn, scale: Weights, grade: int) -> Turn:
    """The violation taken in last turns out to be graver: as if it had come with that grade."""
    less = scale.blocked[turn.grade]
    more = tuple(new - old for new, old in zip(scale.blocked[grade], less, strict=True))
    return Turn(_added(_held(turn, scale), more, scale), turn.judged, turn.repeated, turn.request, grade)


def log_e(turn: Turn, scale: Weights, *, requests: int) -> float:
    """ln of the mixture at this moment, never below 0; `requests` of the subject so far."""
    clean = max(0, requests - turn.judged - turn.repeated)
    return log_mean(idled(_held(turn, scale), scale.clean, times=clean))


def _held(turn: Turn, scale: Weights) -> Logs:
    return turn.logs if len(turn.logs) == len(scale.clean) else (0.0,) * len(scale.clean)


def _added(logs: Logs, more: Logs, scale: Weights) -> Logs:
    return tuple(min(held + one, scale.ceiling) for held, one in zip(logs, more, strict=True))
