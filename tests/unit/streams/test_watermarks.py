from hypothesis import given
from hypothesis import strategies as st
from series_records import mark, watermark

from streams.series import Watermark, Watermarks

MARKS = st.lists(st.builds(Watermark, source=st.integers(0, 3), at=st.floats(0, 1e9), idle=st.booleans()), max_size=30)


def after(*marks: Watermark) -> Watermarks:
    marks_so_far = Watermarks({})
    for one in marks:
        marks_so_far.advance(one)
    return marks_so_far


def test_the_slowest_active_source_is_waited_for() -> None:
    assert after(mark(30, source=0), mark(10, source=1), mark(20, source=1)).at == watermark(30)
    assert after(mark(10, source=1), mark(30, source=0), mark(20, source=1)).at == watermark(20)


def test_an_idle_source_is_not_waited_for() -> None:
    assert after(mark(10, source=1), mark(30, source=0), mark(10, source=1, idle=True)).at == watermark(30)


def test_nothing_moves_while_every_source_is_idle() -> None:
    assert after(mark(10, source=0), mark(30, source=1, idle=True), mark(10, source=0, idle=True)).at == watermark(10)


def test_a_source_that_wakes_up_behind_does_not_pull_the_time_back() -> None:
    assert after(mark(30, source=0), mark(5, source=1)).at == watermark(30)


def test_an_older_mark_of_a_source_changes_nothing_but_its_idleness() -> None:
    marks = after(mark(20), mark(10, idle=True))
    assert marks.sources[0] == mark(20, idle=True)


def test_advance_tells_whether_the_time_has_moved() -> None:
    marks = Watermarks({})
    assert [marks.advance(one) for one in (mark(10), mark(10), mark(5), mark(11))] == [True, False, False, True]


def test_a_source_that_has_not_spoken_yet_is_awaited() -> None:
    marks = Watermarks({}, awaited=2)
    assert [marks.advance(one) for one in (mark(30), mark(40), mark(0, source=1, idle=True))] == [False, False, True]
    assert marks.at == watermark(40)


@given(MARKS)
def test_it_never_falls(marks: list[Watermark]) -> None:
    so_far = Watermarks({})
    for one in marks:
        before = so_far.at
        moved = so_far.advance(one)
        assert so_far.at >= before
        assert moved == (so_far.at > before)


@given(MARKS)
def test_it_never_passes_an_active_source_that_it_has_waited_for(marks: list[Watermark]) -> None:
    known = [mark(0, source=source) for source in range(4)]
    so_far = after(*known)
    promised = {one.source: one.at for one in known}
    for one in (Watermark(one.source, watermark(0) + one.at, idle=False) for one in marks):
        so_far.advance(one)
        promised[one.source] = max(promised[one.source], one.at)
        assert so_far.at == min(promised.values())


@given(MARKS, st.integers(0, 29))
def test_replaying_a_suffix_changes_nothing(marks: list[Watermark], cut: int) -> None:
    active = [Watermark(one.source, one.at, idle=False) for one in marks]
    assert after(*active, *active[cut:]) == after(*active)
