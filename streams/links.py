"""What the subjects of one partition share with others, and the evidence that is told to those who watch the links."""

from collections.abc import Callable, Iterator
from typing import Protocol

from streams.detectors.offender_state import OffenderState
from streams.detectors.verdict import Verdict
from streams.series import LinkEvidence

_MOST = 200_000
"""Subjects remembered; beyond them all are told anew as they come."""


class Linked(Verdict, Protocol):
    """A verdict that says what its subject shares."""

    @property
    def links(self) -> tuple[str, ...]:
        """`kind:hash`."""


class Links:
    """Subjects with their declared links. It keeps nothing over a restart: whoever comes again is told again."""

    def __init__(self, kinds: tuple[str, ...], *, log_e: Callable[[OffenderState], float]) -> None:
        self._kinds = frozenset(kinds)
        self._log_e = log_e
        self._told: dict[str, dict[str, float | None]] = {}
        self._due: dict[str, tuple[int, float]] = {}

    def seen(self, key: str, offset: int, verdict: Linked) -> None:
        """A verdict about a subject, after its detector has taken it in; `key` is `tenant|subject`."""
        links = [link for link in verdict.links if link.partition(":")[0] in self._kinds]
        known = self._told.get(key)
        if not links and known is None:
            return
        if known is None:
            if len(self._told) >= _MOST:
                self._told.clear()
            known = self._told[key] = {}
        for link in links:
            known.setdefault(f"{verdict.tenant}|{link}", None)
        self._due[key] = (offset, verdict.at.timestamp())

    def published(self, source: int, state: Callable[[str], OffenderState]) -> Iterator[LinkEvidence]:
        """The latest e-values of the subjects that came since the last flush, where they differ from what was told."""
        for key, (offset, at) in self._due.items():
            told = self._told.get(key)
            if told is None:
                continue
            log_e = self._log_e(state(key))
            subject = key.partition("|")[2]
            for link, before in told.items():
                if before != log_e:
                    yield LinkEvidence(link, subject, at, log_e, source, offset)
                    told[link] = log_e
        self._due.clear()
