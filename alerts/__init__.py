"""From signals to decisions, appeals, incidents and notifications; pure but for notify."""

from alerts.appeal import Appeal
from alerts.case import Case, Outcome, apply_command, apply_signal, enforcement_of
from alerts.command import COMMAND, Command, IncidentCommand, SubjectCommand, command_key
from alerts.decide import NO_BRAKES, Brakes, Quota, decide
from alerts.decision import Decision, Held, Lift, Measure
from alerts.enforcement import Enforcement, Measured, Standing
from alerts.errors import AlertsError, CommandRefused
from alerts.explain import explain_decision, explain_held
from alerts.incident import Incident, IncidentNote
from alerts.incidents import IncidentFile, IncidentOutcome, apply_incident_command, apply_series_signal
from alerts.ledger import LedgerEntry
from alerts.signal import Signal

__all__ = [
    "COMMAND",
    "NO_BRAKES",
    "AlertsError",
    "Appeal",
    "Brakes",
    "Case",
    "Command",
    "CommandRefused",
    "Decision",
    "Enforcement",
    "Held",
    "Incident",
    "IncidentCommand",
    "IncidentFile",
    "IncidentNote",
    "IncidentOutcome",
    "LedgerEntry",
    "Lift",
    "Measure",
    "Measured",
    "Outcome",
    "Quota",
    "Signal",
    "Standing",
    "SubjectCommand",
    "apply_command",
    "apply_incident_command",
    "apply_series_signal",
    "apply_signal",
    "command_key",
    "decide",
    "enforcement_of",
    "explain_decision",
    "explain_held",
]
