"""A lane that keeps up is flushed often, one that is far behind seldom, and nobody waits much longer for it."""

from hypothesis import given
from hypothesis import strategies as st

from streams.flush_pace import FlushPace

DELAYS = st.floats(min_value=0, max_value=1e9)


def test_a_lane_that_keeps_up_is_flushed_every_interval() -> None:
    pace = FlushPace(0.1, flushed_at=50.0)
    assert pace.pause == 0.1
    assert not pace.is_due(50.05, awaited=False)
    assert pace.is_due(50.11, awaited=False)


def test_what_somebody_waits_for_is_due_at_once_where_the_lane_keeps_up() -> None:
    assert FlushPace(0.1, flushed_at=50.0).is_due(50.0, awaited=True)


def test_a_lane_that_is_far_behind_is_flushed_every_other_second() -> None:
    pace = FlushPace(0.1, flushed_at=50.0, behind=3600.0)
    assert pace.pause == 2.0
    assert not pace.is_due(51.9, awaited=False)
    assert pace.is_due(52.0, awaited=False)
    assert not pace.is_due(50.3, awaited=True)
    assert pace.is_due(50.5, awaited=True)


def test_a_lane_that_has_caught_up_is_due_when_the_short_pause_is_over() -> None:
    pace = FlushPace(0.1, flushed_at=50.0, behind=3600.0)
    pace.behind = 0.0
    assert pace.is_due(50.2, awaited=False)


@given(DELAYS)
def test_nobody_waits_longer_than_a_fifth_of_what_the_facts_are_late(behind: float) -> None:
    assert FlushPace(0.1, behind=behind).pause <= max(0.1, min(0.2 * behind, 2.0))


@given(DELAYS, st.floats(min_value=2.0, max_value=60.0))
def test_a_longer_interval_is_kept(behind: float, interval: float) -> None:
    assert FlushPace(interval, behind=behind).pause == interval


@given(DELAYS)
def test_a_clock_that_is_ahead_of_the_brokers_changes_nothing(ahead: float) -> None:
    assert FlushPace(0.1, behind=-ahead).pause == 0.1
