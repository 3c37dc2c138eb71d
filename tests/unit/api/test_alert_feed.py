"""The alert feed: order, bounds, filters, what a line is made of."""

from datetime import timedelta
from typing import Any

import pytest
from alert_facts import AT, TENANT, decided, lift, open_appeal, run, series_signal, signal
from hypothesis import given
from hypothesis import strategies as st

from alerts.incidents import IncidentFile, apply_series_signal
from alerts.ledger import LedgerEntry, entry_of
from api.alert_feed import Alert, AlertFeed, AlertFilter, from_entry, from_signal, ledger_kinds


def alert(number: int, **fields: Any) -> Alert:
    return from_signal(signal(number, at=AT + timedelta(minutes=number))).model_copy(update=fields)


def test_a_signal_becomes_a_line_with_its_statistic() -> None:
    line = from_signal(signal())
    assert (line.kind, line.detector, line.level, line.about) == ("signal", "repeat_offender", "restrict", line.id)
    assert line.record["statistic"]["threshold"] == 0.99


def test_ledger_entries_become_lines_of_their_kind() -> None:
    case, decision = decided()
    opened = run(case, open_appeal(decision.id)).entries[0]
    lifted = run(case, lift(decision.id)).entries[0]
    incident = apply_series_signal(IncidentFile(tenant=TENANT, series="s"), series_signal()).entries[0]
    lines = [from_entry(entry) for entry in (entry_of(decision), opened, lifted, incident)]
    assert [line.kind for line in lines if line] == ["decision", "appeal", "lift", "incident"]
    assert [line.level for line in lines if line] == [decision.measure, None, None, "ticket"]


@pytest.mark.parametrize("kind", ["notification", "refused", "policy"])
def test_what_nobody_works_on_is_no_line(kind: str) -> None:
    _, decision = decided()
    entry = LedgerEntry.model_validate(entry_of(decision).model_dump() | {"kind": kind})
    assert from_entry(entry) is None


def test_every_kind_but_signals_has_words_in_the_ledger() -> None:
    assert ledger_kinds("signal") == []
    assert ledger_kinds("appeal") == ["appeal_opened", "appeal_claimed", "appeal_decided"]
    assert len(ledger_kinds(None)) == 10


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 12))
def test_the_feed_keeps_the_newest_by_time_whatever_the_order_of_arrival(arrivals: list[int], size: int) -> None:
    feed = AlertFeed("e", size=size)
    for number in arrivals:
        feed.apply(alert(number))
    newest = sorted(set(arrivals), reverse=True)[:size]
    assert [one.at for one in feed.newest(AlertFilter(), before=None, limit=99)] == [alert(n).at for n in newest]


def test_a_repeated_alert_is_one_alert_and_one_change() -> None:
    feed = AlertFeed("e")
    feed.apply(alert(1))
    feed.apply(alert(1))
    assert (len(feed), feed.hub.number) == (1, 1)


def test_what_arrived_after_a_number_comes_in_order_of_arrival() -> None:
    feed = AlertFeed("e")
    for number in (5, 1, 3):
        feed.apply(alert(number))
    assert [change.value for change in feed.after(1)] == [alert(1), alert(3)]
    assert feed.reaches(0)


def test_a_full_feed_knows_how_far_back_it_reaches() -> None:
    feed = AlertFeed("e", size=2)
    for number in (1, 2, 3):
        feed.apply(alert(number))
    assert not feed.reaches(0)
    assert feed.reaches(1)


def test_places_are_to_the_millisecond_as_in_the_store() -> None:
    assert alert(1, at=AT + timedelta(microseconds=1234)).place.at == AT + timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({}, True),
        ({"tenants": {TENANT}}, True),
        ({"tenants": {"fabrikam"}}, False),
        ({"kind": "signal"}, True),
        ({"kind": "lift"}, False),
        ({"detector": "repeat_offender"}, True),
        ({"detector": "category_spike"}, False),
        ({"level": "restrict"}, True),
        ({"level": "page"}, False),
        ({"since": AT + timedelta(minutes=1)}, True),
        ({"since": AT + timedelta(minutes=2)}, False),
    ],
)
def test_filters_hold_together(wanted: dict[str, Any], *, fits: bool) -> None:
    assert AlertFilter.model_validate(wanted).fits(alert(1)) is fits
