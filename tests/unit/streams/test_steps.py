"""Totals put into closed steps: in order, with zeros, once, whatever the arrival and the restarts."""

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alerts.signal import Signal, Statistic
from streams.series import Tally
from streams.steps import Closed, Shape, Steps

START = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()) // 60


class Seen(msgspec.Struct, frozen=True, array_like=True):
    steps: tuple[tuple[int, int, int], ...] = ()


class Remembering:
    """Keeps what it was told; speaks when a step's first number reaches 100."""

    def initial(self, key: str) -> Seen:
        return Seen()

    def step(self, state: Seen, event: Closed) -> tuple[Seen, tuple[Signal, ...]]:
        minute = int(event.start.timestamp()) // 60 - START
        state = Seen((*state.steps, (minute, *event.counts)))
        return state, (signal(event),) if event.counts[0] >= 100 else ()


def signal(event: Closed) -> Signal:
    crossed = Statistic(name="count", value=event.counts[0], threshold=100)
    known = {"id": f"sig_{event.start}", "tenant": "contoso", "key": event.key, "at": event.start, "statistic": crossed}
    return Signal.model_validate(known | {"detector": "test", "level": "page", "policy_version": "p", "words": "w"})


def steps(*, minutes: int = 1, forget_after: int = 10_000) -> Steps[Seen, Closed]:
    shape = Shape(width=2, minutes=minutes, partitions=4, prefix=b"t|", forget_after=forget_after)
    return Steps(Remembering(), lambda closed: closed, state=Seen, shape=shape)


def tally(minute: int, *counts: int, source: int = 0, key: str = "contoso|k") -> Tally:
    return Tally("key", key, START + minute, source, counts)


def seen(lane: Steps[Seen, Closed]) -> list[tuple[int, int, int]]:
    """What the detector of the one key was told; the lane is taken as it is stored."""
    stored = {key: value for key, value in lane.changed() if value is not None}
    return [tuple(one) for one in msgspec.msgpack.decode(stored[b"t|contoso|k"])[0][0]] if stored else []


def until(minute: int) -> float:
    return (START + minute) * 60.0


def test_sources_add_up_and_repetitions_do_not() -> None:
    lane = steps()
    for one in (tally(0, 3, 1), tally(0, 3, 1), tally(0, 2, 0), tally(0, 5, 0, source=1)):
        lane.tally(one)
    lane.judge(until(1))
    assert seen(lane) == [(0, 8, 1)]


def test_quiet_steps_are_told_as_zeros_up_to_the_watermark() -> None:
    lane = steps()
    lane.tally(tally(0, 1, 1))
    lane.tally(tally(3, 2, 2))
    lane.judge(until(5))
    assert seen(lane) == [(0, 1, 1), (1, 0, 0), (2, 0, 0), (3, 2, 2), (4, 0, 0)]


def test_parts_of_a_key_share_its_state_and_are_told_apart() -> None:
    told: list[Closed] = []
    shape = Shape(width=1, minutes=1, partitions=1, prefix=b"t|", forget_after=9)
    lane = Steps(Remembering(), lambda closed: told.append(closed) or closed, state=Seen, shape=shape)
    for version, count in (("v2", 5), ("v1", 3), ("v2", 6)):
        lane.tally(tally(0, count, key=f"contoso|filter|{version}"), part=version)
    lane.judge(until(1))
    assert [(one.key, one.part, one.counts) for one in told] == [
        ("contoso|filter", "v1", (3,)),
        ("contoso|filter", "v2", (6,)),
    ]
    assert len(lane) == 1


def test_an_open_step_waits() -> None:
    lane = steps(minutes=5)
    lane.tally(tally(1, 1, 0))
    lane.judge(until(4))
    assert seen(lane) == []
    lane.tally(tally(4, 2, 0))
    lane.judge(until(5))
    assert seen(lane) == [(0, 3, 0)]


def test_a_count_for_a_closed_step_comes_too_late() -> None:
    lane = steps()
    lane.tally(tally(2, 1, 0))
    lane.judge(until(3))
    lane.tally(tally(1, 50, 50))
    lane.tally(tally(3, 4, 0))
    lane.judge(until(4))
    assert seen(lane) == [(2, 1, 0), (3, 4, 0)]


def test_a_long_gap_is_told_by_its_end() -> None:
    lane = steps()
    lane.tally(tally(0, 1, 0))
    lane.judge(until(1))
    lane.judge(until(10_000))
    assert [minute for minute, *_ in seen(lane)] == [0, *range(10_000 - 4096, 10_000)]


def test_what_counts_nothing_for_long_is_forgotten() -> None:
    lane = steps(forget_after=5)
    lane.tally(tally(0, 1, 0))
    lane.judge(until(6))
    assert len(lane) == 1
    lane.judge(until(7))
    assert len(lane) == 0
    assert list(lane.changed()) == [(b"t|contoso|k", None)]


def test_keys_in_all_partitions_share_the_budget() -> None:
    told: list[Closed] = []
    shape = Shape(width=1, minutes=1, partitions=4, prefix=b"t|", forget_after=9)
    lane = Steps(Remembering(), lambda closed: told.append(closed) or closed, state=Seen, shape=shape)
    lane.tally(tally(0, 1, key="contoso|a"))
    lane.tally(tally(0, 1, key="contoso|b"))
    lane.judge(until(1))
    assert {one.live for one in told} == {8}


def test_signals_are_returned_once() -> None:
    lane = steps()
    lane.tally(tally(0, 100, 0))
    assert len(lane.judge(until(1))) == 1
    assert lane.judge(until(2)) == []


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9), st.integers(0, 2)), min_size=1, max_size=20),
    st.lists(st.integers(1, 31), max_size=6),
    st.data(),
)
def test_restarts_and_repetitions_change_nothing(
    counts: list[tuple[int, int, int]], marks: list[int], data: st.DataObject
) -> None:
    tallies = [tally(minute, count, 0, source=source) for minute, count, source in counts]
    plain, faulty = steps(minutes=3), steps(minutes=3)
    log: dict[bytes, bytes | None] = {}
    for mark in (*sorted(marks), 40):
        for one in tallies:
            plain.tally(one)
        plain.judge(until(mark))
        if data.draw(st.booleans()):
            faulty = steps(minutes=3)
            for key, value in log.items():
                faulty.restore(key.removeprefix(b"t|"), value)
        for one in (*tallies, *data.draw(st.lists(st.sampled_from(tallies), max_size=3))):
            faulty.tally(one)
        faulty.judge(until(mark))
        log.update(faulty.changed())
    assert dict(plain.changed()) == log
