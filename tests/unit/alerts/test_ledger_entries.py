"""Ledger entries: the same act has the same id, and every detail is plain JSON."""

import json

from alert_facts import AT, claim, decided, lift, new_file, open_appeal, rule, run, series_signal
from hypothesis import given
from hypothesis import strategies as st

from alerts.incidents import apply_series_signal
from alerts.ledger import LedgerEntry, entry_of
from alerts.record import content_id
from alerts.signal import Statistic


def entries() -> list[LedgerEntry]:
    case, decision = decided()
    appeal_id = content_id("app", decision.id)
    acts = (open_appeal(decision.id), claim(appeal_id), rule(appeal_id), lift(decision.id))
    told = [entry_of(decision)]
    for act in acts:
        outcome = run(case, act)
        case = outcome.case
        told += outcome.entries
    return [*told, *apply_series_signal(new_file(), series_signal()).entries]


def test_same_acts_have_the_same_ids():
    assert entries() == entries()


def test_different_acts_have_different_ids():
    assert len({one.id for one in entries()}) == len(entries())


def test_kinds_follow_the_acts():
    assert [one.kind for one in entries()] == [
        "decision",
        "appeal_opened",
        "appeal_claimed",
        "appeal_decided",
        "lift",
        "refused",
        "incident_opened",
    ]


def test_entries_are_plain_json_and_survive_it():
    for one in entries():
        assert json.loads(json.dumps(one.detail)) == one.detail
        assert LedgerEntry.model_validate_json(one.model_dump_json()) == one


def test_entry_names_the_persons_reason():
    (decision_entry,) = [one for one in entries() if one.kind == "appeal_decided"]
    assert decision_entry.words == "ines overturned the decision: Fiction is allowed."
    assert decision_entry.at == AT


@given(st.floats(allow_nan=False))
def test_statistic_survives_json_however_large(value: float):
    statistic = Statistic(name="e-value", value=value, threshold=1.0)
    assert Statistic.model_validate_json(statistic.model_dump_json()) == statistic


@given(st.lists(st.text(alphabet="abc|", max_size=3), min_size=1, max_size=3))
def test_content_ids_are_functions_of_their_parts(parts: list[str]):
    assert content_id("led", *parts) == content_id("led", *parts)
    assert content_id("led", *parts) != content_id("led", *parts, "d")
