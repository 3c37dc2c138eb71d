"""Holds on faulty filters: what they cover, how they grow and end, and what they undo."""

from datetime import timedelta

from alert_facts import AT, ENFORCE, fault, hold, loaded, new_case, series_signal, signal

from alerts.case import apply_hold, apply_signal
from alerts.hold import extended, hold_of
from events import Category

MINUTE = timedelta(minutes=1)


def test_only_a_filters_fault_asks_for_a_hold():
    asked = hold_of(fault())
    assert asked is not None
    assert (asked.filters, asked.since, asked.at) == (("azure@3",), AT - timedelta(hours=1), AT)
    assert hold_of(series_signal()) is None
    assert hold_of(fault(filters=())) is None


def test_a_fault_without_an_expectation_begins_when_it_is_found():
    asked = hold_of(fault(expectation=None))
    assert asked is not None
    assert asked.since == AT


def test_a_further_signal_extends_a_hold_that_lasts():
    grown = extended(hold("a@1"), hold("a@2", since=AT - timedelta(hours=2), categories=(Category.SEXUAL,)))
    assert grown.filters == ("a@1", "a@2")
    assert grown.categories == (Category.HATE, Category.SEXUAL)
    assert grown.since == AT - timedelta(hours=2)


def test_a_hold_that_ended_is_not_extended():
    new = hold("a@2")
    assert extended(hold("a@1").ended(AT), new) == new
    assert extended(None, new) == new


def test_decisions_since_the_onset_that_rest_on_the_filter_are_undone():
    case = apply_signal(new_case(), signal(filters=("azure@3",), at=AT - MINUTE), policy=ENFORCE).case
    outcome = apply_hold(case, hold("azure@3"))
    assert [lift.decision_id for lift in outcome.case.lifts] == [case.decisions[0].id]
    assert outcome.case.lifts[0].id == case.decisions[0].inverse
    assert outcome.enforcement is not None
    assert outcome.enforcement.measures == ()
    assert outcome.entries[0].actor == "watchfloor"
    assert "azure@3 was found faulty" in outcome.entries[0].words


def test_a_repeated_hold_changes_nothing():
    case = apply_signal(new_case(), signal(filters=("azure@3",), at=AT - MINUTE), policy=ENFORCE).case
    once = apply_hold(case, hold("azure@3")).case
    again = apply_hold(once, hold("azure@3"))
    assert again.case is once
    assert again.entries == ()


def test_older_decisions_and_other_filters_stay():
    old = apply_signal(new_case(), signal(1, filters=("azure@3",), at=AT - timedelta(hours=2)), policy=ENFORCE).case
    other = apply_signal(new_case(), signal(2, filters=("other@1",), at=AT - MINUTE), policy=ENFORCE).case
    assert apply_hold(old, hold("azure@3")).case is old
    assert apply_hold(other, hold("azure@3")).case is other


def test_rehearsed_measures_are_forgotten_as_real_ones_are_undone():
    policy = loaded(mode="observe")
    case = apply_signal(new_case(), signal(filters=("azure@3",), at=AT - MINUTE), policy=policy).case
    assert len(case.rehearsed) == 1
    assert apply_hold(case, hold("azure@3")).case.rehearsed == ()
