"""The benchmark's input is canonical, the same every time, and shaped as it says."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from bench.workload import USERS, Event, Workload
from events import FilterVerdict
from events.keys import SubjectKey

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORKLOAD = Workload(20_000, START)


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return list(WORKLOAD.part(0, 20_000))


def verdict(event: Event) -> FilterVerdict:
    return FilterVerdict.model_validate_json(event.value)


def test_values_are_canonical_but_for_empty_lists(events: list[Event]) -> None:
    for event in events[:500]:
        assert verdict(event).model_dump_json(exclude_unset=True).encode() == event.value


def test_keys_are_those_of_the_subjects(events: list[Event]) -> None:
    for event in events[:500]:
        found = verdict(event)
        assert event.key == str(SubjectKey(found.tenant, found.subject)).encode()


def test_the_same_workload_is_the_same_bytes(events: list[Event]) -> None:
    assert list(Workload(20_000, START).part(0, 20_000)) == events


def test_parts_make_the_whole(events: list[Event]) -> None:
    assert [*WORKLOAD.part(0, 7_000), *WORKLOAD.part(7_000, 30_000)] == events


def test_every_event_has_an_id_of_its_own(events: list[Event]) -> None:
    assert len({verdict(event).event_id for event in events}) == 20_000


def test_time_starts_at_the_start_and_never_falls(events: list[Event]) -> None:
    times = [verdict(event).at for event in events]
    assert times == sorted(times)
    assert 0 <= (times[0] - START).total_seconds() < 0.001
    assert (times[-1] - START).total_seconds() == pytest.approx(4, abs=0.001)


def test_three_in_a_hundred_are_filtered_and_half_of_them_blocked(events: list[Event]) -> None:
    states = Counter(verdict(event).state.value for event in events)
    assert (states["blocked"] + states["detected"]) / 20_000 == pytest.approx(0.03, abs=0.005)
    assert states["blocked"] / 20_000 == pytest.approx(0.015, abs=0.004)


def test_few_users_send_much_and_many_send_little(events: list[Event]) -> None:
    sent = Counter(event.key for event in events)
    assert 3_000 < len(sent) < USERS
    assert sent.most_common(1)[0][1] / 20_000 == pytest.approx(0.095, abs=0.01)


def test_a_value_has_about_four_hundred_bytes(events: list[Event]) -> None:
    assert sum(len(event.value) for event in events) / 20_000 == pytest.approx(405, abs=5)
