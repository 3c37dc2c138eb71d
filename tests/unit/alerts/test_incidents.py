"""Signals of a series become incidents, and people take them to their end."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from alert_facts import AT, SERIES, TENANT, acknowledge, new_file, resolve, series_signal

from alerts.command import IncidentCommand
from alerts.incident import Incident
from alerts.incidents import (
    HANDLED_KEPT,
    NOTES_KEPT,
    SIGNALS_KEPT,
    IncidentFile,
    IncidentOutcome,
    apply_incident_command,
    apply_series_signal,
)

LATER = AT + timedelta(minutes=5)


def opened(level: str = "ticket") -> tuple[IncidentFile, Incident]:
    outcome = apply_series_signal(new_file(), series_signal(level=level))
    assert outcome.incident is not None
    return outcome.file, outcome.incident


def refusal(outcome: IncidentOutcome) -> str:
    (entry,) = outcome.entries
    assert entry.kind == "refused"
    assert outcome.incident is None
    return str(entry.detail["code"])


def test_first_signal_opens_an_incident():
    file, incident = opened()
    assert (incident.state, incident.level, incident.revision) == ("open", "ticket", 1)
    assert incident.title == "Category spike: gpt-4.1 · azure.openai · hate · prompt"
    assert (incident.tenant, incident.series, incident.signals) == (TENANT, SERIES, (series_signal().id,))
    assert [(note.what, note.words) for note in incident.timeline] == [("opened", "14 blocked instead of 2.")]
    assert file.latest("category_spike") == incident
    assert file.latest("groundedness_drift") is None


def test_incident_has_a_ledger_entry_per_revision():
    file, incident = opened()
    outcome = apply_series_signal(file, series_signal(2, at=LATER))
    (entry,) = outcome.entries
    assert (entry.kind, entry.about, entry.key, entry.at) == ("incident_updated", incident.id, SERIES, LATER)
    assert entry.detail["revision"] == 2


def test_next_signal_updates_the_open_incident_and_may_raise_its_level():
    file, incident = opened()
    outcome = apply_series_signal(file, series_signal(2, level="page", at=LATER, categories=("violence", "hate")))
    assert outcome.incident is not None
    assert (outcome.incident.id, outcome.incident.level) == (incident.id, "page")
    assert outcome.incident.categories == ("hate", "violence")
    assert outcome.incident.updated_at == LATER
    assert len(outcome.incident.signals) == 2


def test_level_never_falls_and_late_signals_do_not_turn_time_back():
    file, _ = opened("page")
    outcome = apply_series_signal(file, series_signal(2, at=AT - timedelta(hours=1)))
    assert outcome.incident is not None
    assert (outcome.incident.level, outcome.incident.updated_at) == ("page", AT)


def test_repeated_signal_or_command_changes_nothing():
    file, incident = opened()
    assert apply_series_signal(file, series_signal()) == IncidentOutcome(file)
    first = apply_incident_command(file, acknowledge(incident.id), now=AT)
    assert apply_incident_command(first.file, acknowledge(incident.id), now=AT) == IncidentOutcome(first.file)


def test_acknowledged_incident_has_an_owner_and_still_takes_signals():
    file, incident = opened()
    outcome = apply_incident_command(file, acknowledge(incident.id), now=LATER)
    assert outcome.incident is not None
    assert (outcome.incident.state, outcome.incident.owner) == ("acknowledged", "omar")
    assert outcome.incident.acknowledged_at == LATER
    (entry,) = outcome.entries
    assert (entry.kind, entry.command_id, entry.actor) == ("incident_acknowledged", acknowledge(incident.id).id, "omar")
    more = apply_series_signal(outcome.file, series_signal(2, level="page"))
    assert more.incident is not None
    assert (more.incident.state, more.incident.level) == ("acknowledged", "page")


def test_second_acknowledgement_is_refused_with_the_owners_name():
    file, incident = opened()
    file = apply_incident_command(file, acknowledge(incident.id), now=AT).file
    outcome = apply_incident_command(file, acknowledge(incident.id, actor="ines"), now=AT)
    assert refusal(outcome) == "incident_already_acknowledged"
    assert outcome.entries[0].detail["fields"]["owner"] == "omar"


@pytest.mark.parametrize("before", [(), (acknowledge,)])
def test_resolution_ends_an_open_or_acknowledged_incident(before: tuple[Callable[[str], IncidentCommand], ...]):
    file, incident = opened()
    for act in before:
        file = apply_incident_command(file, act(incident.id), now=AT).file
    outcome = apply_incident_command(file, resolve(incident.id), now=LATER)
    assert outcome.incident is not None
    assert (outcome.incident.state, outcome.incident.resolved_at) == ("resolved", LATER)
    assert outcome.incident.timeline[-1].words == "A blocklist was wrong."


def test_resolve_beats_a_late_acknowledgement():
    file, incident = opened()
    file = apply_incident_command(file, resolve(incident.id), now=AT).file
    assert refusal(apply_incident_command(file, acknowledge(incident.id), now=AT)) == "incident_already_resolved"
    late = resolve(incident.id, actor="ines")
    assert refusal(apply_incident_command(file, late, now=AT)) == "incident_already_resolved"


def test_signal_after_the_resolution_opens_a_new_incident():
    file, incident = opened()
    file = apply_incident_command(file, resolve(incident.id), now=LATER).file
    outcome = apply_series_signal(file, series_signal(2, at=LATER))
    assert outcome.incident is not None
    assert outcome.incident.id != incident.id
    assert (outcome.incident.state, outcome.incident.revision) == ("open", 1)
    assert refusal(apply_incident_command(outcome.file, acknowledge(incident.id), now=LATER)) == "incident_not_found"


def test_unknown_incident_is_refused():
    assert refusal(apply_incident_command(new_file(), acknowledge("inc_unknown"), now=AT)) == "incident_not_found"


def test_other_tenants_incident_is_not_found():
    file, incident = opened()
    outcome = apply_incident_command(file, acknowledge(incident.id, tenant="fabrikam"), now=AT)
    assert refusal(outcome) == "incident_not_found"
    assert outcome.entries[0].tenant == "fabrikam"


def test_detectors_of_one_series_have_their_own_incidents():
    file, incident = opened()
    outcome = apply_series_signal(file, series_signal(2, detector="groundedness_drift"))
    assert outcome.incident is not None
    assert outcome.incident.id != incident.id
    assert len(outcome.file.incidents) == 2


def test_file_stays_bounded():
    file = new_file()
    for number in range(HANDLED_KEPT + 10):
        file = apply_series_signal(file, series_signal(number)).file
    (incident,) = file.incidents
    assert len(file.handled) == HANDLED_KEPT
    assert len(incident.signals) == SIGNALS_KEPT
    assert len(incident.timeline) == NOTES_KEPT
    assert incident.signals[-1] == series_signal(HANDLED_KEPT + 9).id


def test_file_survives_json():
    file, _ = opened()
    assert IncidentFile.model_validate_json(file.model_dump_json()) == file
