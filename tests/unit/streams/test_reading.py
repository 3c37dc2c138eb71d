"""However rebalances, seeks and fetches overtake each other, a lane never passes over a record."""

from contextlib import ExitStack
from typing import NamedTuple

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from streams.reading import Reading


class Fetched(NamedTuple):
    reading: int
    start: int
    end: int


def test_a_reading_begins_with_a_seek_and_a_resumption() -> None:
    reading = Reading()
    reading.resume()
    assert reading.number is None
    with reading.seeking():
        pass
    assert reading.number is None
    reading.resume()
    assert reading.number is not None


def test_what_ends_a_reading_also_ends_the_seek_before_the_next() -> None:
    reading = Reading()
    with reading.seeking():
        reading.end()
    reading.resume()
    assert reading.number is None


def test_no_reading_begins_while_lanes_are_opened_nor_by_what_was_sought_meanwhile() -> None:
    reading = Reading()
    with reading.opening():
        with reading.seeking():
            pass
        reading.resume()
        assert reading.number is None
    reading.resume()
    assert reading.number is None


def test_every_reading_has_a_number_of_its_own() -> None:
    reading, numbers = Reading(), set[int | None]()
    for _ in range(3):
        reading.end()
        with reading.seeking():
            pass
        reading.resume()
        numbers.add(reading.number)
    assert len(numbers - {None}) == 3


class Consumer(RuleBasedStateMachine):
    """One partition. Faust stops, seeks and resumes when it likes; the lane is closed and opened in between."""

    def __init__(self) -> None:
        super().__init__()
        self.reading, self.opening = Reading(), ExitStack()
        self.flowing = self.is_opening = False
        self.position = self.committed = 0
        self.lane: int | None = None
        self.fetching: Fetched | None = None
        self.queue: list[Fetched] = []

    @rule()
    def stop(self) -> None:
        self.flowing = False
        self.queue.clear()
        self.reading.end()

    @precondition(lambda self: not self.flowing)
    @rule()
    def close(self) -> None:
        if self.lane is not None:
            self.committed, self.lane = self.lane, None

    @precondition(lambda self: self.lane is None and not self.is_opening)
    @rule()
    def begin_to_open(self) -> None:
        self.opening.enter_context(self.reading.opening())
        self.is_opening = True

    @precondition(lambda self: self.is_opening)
    @rule()
    def open(self) -> None:
        self.lane = self.committed

    @precondition(lambda self: self.is_opening and self.lane is not None)
    @rule()
    def have_opened(self) -> None:
        self.opening.close()
        self.is_opening = False

    @precondition(lambda self: self.fetching is None)
    @rule()
    def seek(self) -> None:
        with self.reading.seeking():
            self.position = self.committed

    @rule()
    def resume(self) -> None:
        self.flowing = True
        self.reading.resume()

    @precondition(lambda self: self.flowing and self.fetching is None and self.reading.number is not None)
    @rule()
    def begin_to_fetch(self) -> None:
        number = self.reading.number
        assert number is not None
        self.fetching = Fetched(number, self.position, self.position + 10)

    @precondition(lambda self: self.fetching is not None)
    @rule()
    def have_fetched(self) -> None:
        fetched, self.fetching = self.fetching, None
        assert fetched is not None
        self.position = fetched.end
        if self.flowing:
            self.queue.append(fetched)

    @precondition(lambda self: self.queue)
    @rule()
    def apply(self) -> None:
        fetched = self.queue.pop(0)
        if self.lane is not None and fetched.reading == self.reading.number:
            assert fetched.start <= self.lane, f"{self.lane} to {fetched.start} is passed over"
            self.lane = max(self.lane, fetched.end)

    @rule()
    def flush(self) -> None:
        if self.lane is not None:
            self.committed = self.lane


def test_a_lane_never_passes_over_a_record() -> None:
    course = settings(max_examples=300, stateful_step_count=50, deadline=None)
    run_state_machine_as_test(Consumer, settings=course)
