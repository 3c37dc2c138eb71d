"""Grouping the signals of one series into incidents, and the only transitions an incident may make. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from alerts.command import AcknowledgeIncident, IncidentCommand, ResolveIncident
from alerts.errors import CommandRefused, IncidentAlreadyAcknowledged, IncidentAlreadyResolved, IncidentNotFound
from alerts.incident import Change, Incident, IncidentNote
from alerts.ledger import LedgerEntry, entry_of_incident, entry_of_refusal
from alerts.record import Record, content_id
from alerts.signal import Signal
from events.event import Tenant

SIGNALS_KEPT = 50
NOTES_KEPT = 100
HANDLED_KEPT = 256


class IncidentFile(Record):
    """What the one writer of a series keeps: the latest incident of each detector, at most one of them unresolved."""

    tenant: Tenant
    """The tenant."""
    series: str
    """The series key."""
    incidents: tuple[Incident, ...] = ()
    """One per detector: the unresolved one, or the last."""
    handled: tuple[str, ...] = ()
    """Ids of the last signals and commands, so that a repetition changes nothing."""

    def latest(self, detector: str) -> Incident | None:
        """The detector's incident, resolved or not."""
        return next((one for one in self.incidents if one.detector == detector), None)

    def filing(self, incident: Incident) -> Self:
        """A copy in which `incident` is its detector's latest."""
        others = tuple(one for one in self.incidents if one.detector != incident.detector)
        return self.replace(incidents=(*others, incident))


@dataclass(frozen=True, slots=True)
class IncidentOutcome:
    """The file afterwards, the ledger entries, and the incident if it changed."""

    file: IncidentFile
    entries: tuple[LedgerEntry, ...] = ()
    incident: Incident | None = None


def apply_series_signal(file: IncidentFile, signal: Signal) -> IncidentOutcome:
    """Open an incident, or add to the unresolved one. A repeated signal changes nothing."""
    if signal.id in file.handled:
        return IncidentOutcome(file)
    latest = file.latest(signal.detector)
    incident = _opened(file, signal) if latest is None or latest.state == "resolved" else _updated(latest, signal)
    entry = entry_of_incident(incident)
    return IncidentOutcome(_handled(file.filing(incident), signal.id), (entry,), incident)


def apply_incident_command(file: IncidentFile, command: IncidentCommand, *, now: datetime) -> IncidentOutcome:
    """Carry out what a person asked for, or say in the ledger why not. A repeated command changes nothing."""
    if command.id in file.handled:
        return IncidentOutcome(file)
    file = _handled(file, command.id)
    try:
        incident = transition(_find(file, command), command, now=now)
    except CommandRefused as refusal:
        return IncidentOutcome(file, (entry_of_refusal(command, refusal, at=now),))
    return IncidentOutcome(file.filing(incident), (entry_of_incident(incident, command_id=command.id),), incident)


def transition(incident: Incident, action: IncidentCommand, *, now: datetime) -> Incident:
    """The incident after a person's act; a guard that objects raises its CommandRefused. Resolved is final."""
    if incident.state == "resolved":
        raise IncidentAlreadyResolved(incident.id)
    if isinstance(action, ResolveIncident):
        note = IncidentNote(at=now, what="resolved", actor=action.actor, words=action.note)
        return _changed(incident, note, state="resolved", resolved_at=now)
    return _acknowledged(incident, action, now=now)


def _acknowledged(incident: Incident, action: AcknowledgeIncident, *, now: datetime) -> Incident:
    if incident.state == "acknowledged":
        raise IncidentAlreadyAcknowledged(incident.id, incident.owner or "")
    note = IncidentNote(at=now, what="acknowledged", actor=action.actor, words=f"{action.actor} works on it.")
    return _changed(incident, note, state="acknowledged", acknowledged_at=now, owner=action.actor)


def _find(file: IncidentFile, command: IncidentCommand) -> Incident:
    for incident in file.incidents:
        if (incident.id, incident.tenant) == (command.incident_id, command.tenant):
            return incident
    raise IncidentNotFound(command.incident_id)


def _opened(file: IncidentFile, signal: Signal) -> Incident:
    return Incident(
        id=content_id("inc", file.series, signal.detector, signal.id),
        tenant=file.tenant,
        series=file.series,
        detector=signal.detector,
        level=_level(signal),
        state="open",
        title=title_of(signal),
        categories=signal.categories,
        signals=(signal.id,),
        opened_at=signal.at,
        updated_at=signal.at,
        timeline=(_note(signal, "opened"),),
        revision=1,
    )


def _updated(incident: Incident, signal: Signal) -> Incident:
    return _changed(
        incident,
        _note(signal, "updated"),
        level="page" if "page" in (incident.level, _level(signal)) else "ticket",
        categories=tuple(dict.fromkeys((*incident.categories, *signal.categories))),
        signals=(*incident.signals, signal.id)[-SIGNALS_KEPT:],
    )


def _changed(incident: Incident, note: IncidentNote, **changes: object) -> Incident:
    return incident.replace(
        updated_at=max(incident.updated_at, note.at),
        timeline=(*incident.timeline, note)[-NOTES_KEPT:],
        revision=incident.revision + 1,
        **changes,
    )


def title_of(signal: Signal) -> str:
    """One line: what the detector found, and in which series (without the tenant)."""
    what = signal.detector.replace("_", " ").capitalize()
    return f"{what}: {' · '.join(signal.key.split('|')[1:])}"


def _level(signal: Signal) -> str:
    return "page" if signal.level == "page" else "ticket"


def _note(signal: Signal, what: Change) -> IncidentNote:
    return IncidentNote(at=signal.at, what=what, actor="watchfloor", words=signal.words)


def _handled(file: IncidentFile, act_id: str) -> IncidentFile:
    return file.replace(handled=(*file.handled, act_id)[-HANDLED_KEPT:])
