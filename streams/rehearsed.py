"""What a rehearsal found: signals, measures, incidents and books, small enough to keep for any number of events."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from alerts.decision import MEASURES, Decision, Held, Measure
from alerts.incident import Incident
from alerts.ledger import LedgerEntry
from alerts.signal import Signal
from streams.books import Books

SubjectName = tuple[str, str]
"""Tenant and pseudonym."""

RESTRICTING: frozenset[Measure] = frozenset({"throttle", "suspend", "ban"})
"""Measures that take something away from the subject; a warning does not."""
_BY_MODE = frozenset({"mode_observe", "mode_review"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One measure, taken or only held back by the policy's mode."""

    id: str
    """Of the decision, or of what was held."""
    tenant: str
    subject: str
    measure: Measure
    at: datetime
    """Event time."""
    detector: str
    would: bool
    """It was not taken: the policy observes, or leaves it to a person."""
    violations: int | None
    """Violations counted against the subject, where the detector tells."""


@dataclass(slots=True)
class Rehearsed:
    """Everything that was concluded from the events fed so far."""

    subjects: set[bytes] = field(default_factory=set)
    """Record keys, `tenant|subject`."""
    signals: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(detector, level) → signals."""
    acts: list[Act] = field(default_factory=list)
    held: Counter[str] = field(default_factory=Counter)
    """Reason → signals that led to no measure, those held by the mode alone included."""
    incidents: dict[str, Incident] = field(default_factory=dict)
    """The latest revision by id, without its timeline."""
    books: dict[tuple[str, int], Books] = field(default_factory=dict)
    """The latest books per event topic and partition."""

    def gravest(self) -> dict[SubjectName, Measure]:
        """Subject → the gravest measure that was, or would have been, taken against it."""
        found: dict[SubjectName, Measure] = {}
        for act in self.acts:
            name = (act.tenant, act.subject)
            found[name] = max(found.get(name, act.measure), act.measure, key=MEASURES.index)
        return found

    def restricted(self) -> frozenset[SubjectName]:
        """Subjects that were, or would have been, throttled, suspended or banned."""
        return frozenset(name for name, measure in self.gravest().items() if measure in RESTRICTING)

    def events(self, outcome: str) -> int:
        """Events with that outcome: `read`, `applied`, `late`, `duplicate` or `dead`."""
        return sum(getattr(books, outcome) for books in self.books.values())

    def note_signal(self, signal: Signal) -> None:
        """A detector fired."""
        self.signals[signal.detector, signal.level] += 1

    def note_entry(self, entry: LedgerEntry, signals: dict[str, Signal]) -> None:
        """The ledger has grown; `signals` holds at least those that the entry can follow from."""
        if entry.kind == "decision":
            taken = Decision.model_validate(entry.detail)
            self._note(taken, taken.measure, signals.get(taken.signal_id))
        elif entry.kind == "held":
            held = Held.model_validate(entry.detail)
            self.held[held.reason] += 1
            if held.reason in _BY_MODE and held.would and not held.also:
                self._note(held, held.would, signals.get(held.signal_id))
        elif entry.kind.startswith("incident"):
            incident = Incident.model_validate(entry.detail)
            self.incidents[incident.id] = incident.replace(timeline=())

    def _note(self, concluded: Decision | Held, measure: Measure, signal: Signal | None) -> None:
        self.acts.append(
            Act(
                id=concluded.id,
                tenant=concluded.tenant,
                subject=concluded.subject,
                measure=measure,
                at=concluded.at,
                detector=signal.detector if signal else "unknown",
                would=isinstance(concluded, Held),
                violations=signal.numbers.count if signal and signal.numbers else None,
            )
        )

    def note_books(self, books: Iterable[Books]) -> None:
        """The books of input partitions as they stand now."""
        self.books.update({(one.topic, one.partition): one for one in books})
