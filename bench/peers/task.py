"""The task that every peer does, in plain dicts: the reference, and the floors' counting; standard library only."""

from collections.abc import Mapping
from typing import Protocol

TRIGGER = 5
"""A subject is reported when it reaches this many blocked verdicts."""
SERIES = ("tenant", "model", "provider", "provider_category", "stage")
FLAGGED = frozenset(("detected", "blocked"))


class Verdict(Protocol):
    """The fields that the task reads, as attributes."""

    at: str
    tenant: str
    subject: str
    model: str
    provider: str
    provider_category: str
    stage: str
    state: str


def subject_of(verdict: Mapping[str, str]) -> str:
    """`tenant|subject`, as the record's key."""
    return f"{verdict['tenant']}|{verdict['subject']}"


def series_of(verdict: Mapping[str, str]) -> str:
    """`tenant|model|provider|provider_category|stage`."""
    return "|".join([verdict[field] for field in SERIES])


def minute_of(at: str) -> str:
    """The minute of an RFC 3339 time, as far as `2026-01-01T12:34`."""
    return at[:16]


class Counts:
    """Evaluated and blocked verdicts per subject, evaluated and flagged ones per series and minute."""

    def __init__(self) -> None:
        self.subjects: dict[str, list[int]] = {}
        self.series: dict[tuple[str, ...], list[int]] = {}
        self.triggers: list[str] = []

    def add(self, one: Verdict) -> None:
        """Count one verdict."""
        key, state = f"{one.tenant}|{one.subject}", one.state
        counts = self.subjects.get(key)
        if counts is None:
            counts = self.subjects[key] = [0, 0]
        counts[0] += 1
        if state == "blocked":
            counts[1] += 1
            if counts[1] == TRIGGER:
                self.triggers.append(key)
        line = (one.tenant, one.model, one.provider, one.provider_category, one.stage, one.at[:16])
        rates = self.series.get(line)
        if rates is None:
            rates = self.series[line] = [0, 0]
        rates[0] += 1
        if state in FLAGGED:
            rates[1] += 1
