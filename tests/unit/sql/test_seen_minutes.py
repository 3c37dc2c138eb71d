"""The memory of seen events agrees with a plain set, however small it is and however events arrive."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sql.seen import Hashes, SeenMinutes

Event = tuple[int, int]


class Shelf:
    """What a table would hold."""

    def __init__(self) -> None:
        self.rows: set[Event] = set()
        self.asked: list[list[int]] = []

    def load(self, minutes: list[int]) -> dict[int, Hashes]:
        self.asked.append(minutes)
        return {
            minute: np.array([hashed for at, hashed in self.rows if at == minute], np.uint64)
            for minute in minutes
            if any(at == minute for at, _ in self.rows)
        }


def arrays(batch: list[Event]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([at for at, _ in batch], np.int64), np.array([hashed for _, hashed in batch], np.uint64)


def store(seen: SeenMinutes, shelf: Shelf, batch: list[Event]) -> list[bool]:
    minutes, hashes = arrays(batch)
    fresh = seen.fresh(minutes, hashes)
    shelf.rows |= {event for event, new in zip(batch, fresh.tolist(), strict=True) if new}
    seen.remember(minutes[fresh], hashes[fresh])
    return [bool(new) for new in fresh]


events = st.tuples(st.integers(0, 5), st.integers(0, 2**64 - 1) | st.integers(0, 8))


@given(st.lists(st.lists(events, max_size=20), max_size=8), st.integers(0, 30))
def test_exactly_the_first_arrival_is_new(batches: list[list[Event]], limit: int) -> None:
    shelf = Shelf()
    seen = SeenMinutes(shelf.load, limit)
    known: set[Event] = set()
    for batch in batches:
        expected = []
        for event in batch:
            expected.append(event not in known)
            known.add(event)
        assert store(seen, shelf, batch) == expected
        assert len(seen) <= max(limit, 0)
    assert shelf.rows == known


def test_a_minute_in_memory_is_not_asked_for_again() -> None:
    shelf = Shelf()
    seen = SeenMinutes(shelf.load, 100)
    store(seen, shelf, [(1, 7), (2, 7)])
    store(seen, shelf, [(1, 8), (2, 7), (3, 1)])
    assert shelf.asked == [[1, 2], [3]]


def test_rows_that_somebody_else_stored_are_known_after_clearing() -> None:
    shelf = Shelf()
    seen = SeenMinutes(shelf.load, 100)
    store(seen, shelf, [(1, 7)])
    shelf.rows.add((1, 8))
    assert store(seen, shelf, [(1, 8)]) == [True], "memory is trusted as long as nobody else writes"
    seen.clear()
    shelf.rows.add((1, 9))
    assert store(seen, shelf, [(1, 9)]) == [False]


def test_asking_remembers_nothing() -> None:
    seen = SeenMinutes(Shelf().load, 100)
    minutes, hashes = arrays([(1, 7)])
    assert seen.fresh(minutes, hashes).all()
    assert seen.fresh(minutes, hashes).all()


def test_the_largest_hashes_are_told_apart() -> None:
    shelf = Shelf()
    assert store(SeenMinutes(shelf.load, 10), shelf, [(1, 2**64 - 1), (1, 2**64 - 2)]) == [True, True]
