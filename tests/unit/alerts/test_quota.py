"""A quota as it is used up: the window's edges, what comes late, and signals that are read again."""

from datetime import datetime, timedelta

import pytest
from alert_facts import AT, TENANT, loaded, new_case, signal
from hypothesis import given
from hypothesis import strategies as st

from alerts.decide import Brakes, Quota, decide
from alerts.decision import Held
from alerts.incidents import title_of
from alerts.quota import FORMER_LOG, Limit, Mark, Spending, spent_by, used_up
from policy.mode import Mode

DAY = timedelta(days=1)
TWO = Limit(2, DAY)
MOMENT = timedelta(milliseconds=1)


def spending(*marks: tuple[int, datetime]) -> Spending:
    one = Spending(tenant=TENANT, detector="repeat_offender", measure="suspend", mode="enforce")
    for place, at in marks:
        one = one.taking(Mark(place, at))
    return one


@pytest.mark.parametrize(
    ("later", "left"),
    [(timedelta(), 0), (DAY - MOMENT, 0), (DAY, 1), (DAY + timedelta(hours=1), 2), (9 * DAY, 2)],
)
def test_a_measure_counts_for_exactly_the_window(later: timedelta, left: int) -> None:
    spent = spending((0, AT), (1, AT + timedelta(hours=1)))
    assert TWO.left(spent.taken, Mark(2, AT + later)) == left


def test_what_comes_late_does_not_turn_the_window_back() -> None:
    spent = spending((0, AT), (1, AT - timedelta(hours=20)))
    assert [one.at for one in spent.taken] == [AT, AT]
    assert TWO.left(spent.taken, Mark(2, AT - 2 * DAY)) == 0
    assert TWO.left(spent.taken, Mark(2, AT + timedelta(hours=5))) == 0


def test_a_signal_that_is_read_again_is_answered_as_it_was_and_takes_nothing_twice() -> None:
    marks = [(place, AT + timedelta(minutes=place)) for place in range(5, 7)]
    spent = spending(*marks)
    assert [TWO.left(spent.taken, Mark(*mark)) for mark in marks] == [2, 1]
    assert spending(*marks, *marks, marks[0]) == spent
    assert TWO.left(spent.taken, Mark(7, AT)) == 0


def test_a_limit_that_was_lowered_leaves_nothing_rather_than_less() -> None:
    assert Limit(1, DAY).left(spending((0, AT), (1, AT)).taken, Mark(2, AT)) == 0


def test_only_what_can_still_matter_is_kept() -> None:
    spent = spending(*((place, AT + timedelta(minutes=place)) for place in range(10))).telling(Mark(3, AT))
    spent = spent.telling(Mark(8, AT + 2 * DAY))
    kept = spent.needed(TWO, 8)
    assert [one.place for one in kept.taken] == [6, 7, 8, 9]
    assert [one.place for one in kept.told] == [3, 8]


def test_in_a_new_log_everything_known_lies_before_its_first_signal() -> None:
    spent = spending((4711, AT), (4712, AT)).telling(Mark(4713, AT)).rebased()
    assert [one.place for one in (*spent.taken, *spent.told)] == [FORMER_LOG] * 3
    assert TWO.left(spent.taken, Mark(0, AT)) == 0
    assert TWO.left(spent.taking(Mark(0, AT + 2 * DAY)).taken, Mark(1, AT + 2 * DAY)) == 1


def test_a_record_survives_its_json() -> None:
    spent = spending((0, AT), (1, AT)).telling(Mark(2, AT))
    assert Spending.model_validate_json(spent.model_dump_json()) == spent


@given(minutes=st.lists(st.integers(0, 60), max_size=30), most=st.integers(1, 5), start=st.integers(0, 30))
def test_no_window_holds_more_than_the_limit_and_pruning_is_not_seen(minutes: list[int], most: int, start: int) -> None:
    """Against a count over everything, at the time of the log: the highest that it has shown so far."""
    limit, counted, kept = Limit(most, timedelta(minutes=20)), list[int](), spending()
    clock = 0
    for place, minute in enumerate(minutes):
        clock = max([minute, *counted])
        mark = Mark(place, AT + timedelta(minutes=minute))
        left = most - sum(one > clock - 20 for one in counted)
        assert limit.left(kept.taken, mark) == left
        if left:
            counted.append(clock)
            kept = kept.taking(mark)
        if place >= start:
            kept = kept.needed(limit, place)
            assert len(kept.taken) <= most + 1
    assert all(sum(end - 20 < one <= end for one in counted) <= most for end in range(100))


@pytest.mark.parametrize(("mode", "spent"), [("enforce", "warn"), ("observe", "warn"), ("review", None)])
def test_what_is_done_counts_and_what_would_be_done_while_observing(mode: Mode, spent: str | None) -> None:
    one = signal()
    assert spent_by(decide(one, new_case(), policy=loaded(mode=mode), now=one.at)) == spent


def test_what_is_held_takes_nothing() -> None:
    for one in (signal(level="review"), signal(categories=("self_harm",))):
        assert spent_by(decide(one, new_case(), policy=loaded(), now=one.at)) is None


def test_a_used_up_quota_tells_what_would_have_been_and_keeps_observe_mode_from_climbing() -> None:
    one, brakes = signal(), Brakes(quota=Quota({"warn": 0}))
    held = decide(one, new_case(), policy=loaded(), now=one.at, brakes=brakes)
    assert isinstance(held, Held)
    assert (held.reason, held.would, held.step, held.also) == ("quota", "warn", 0, ())
    observed = decide(one, new_case(), policy=loaded(mode="observe"), now=one.at, brakes=brakes)
    assert isinstance(observed, Held)
    assert (observed.reason, observed.also, observed.rehearses) == ("mode_observe", ("quota",), False)


def test_people_are_told_in_an_incident_of_the_detector_that_names_nobody() -> None:
    one = signal()
    told = used_up(one, spending(), limit=TWO, version="pol_x")
    assert (told.tenant, told.key, told.subject, told.level, told.at) == (
        TENANT, f"{TENANT}|repeat_offender", None, "page", one.at,
    )  # fmt: skip
    assert told.evidence == ()
    assert one.subject not in told.model_dump_json()
    assert "2 times suspend within 1d" in told.words
    assert title_of(told) == "Quota: repeat_offender"
    assert told == used_up(one, spending(), limit=TWO, version="pol_x")
