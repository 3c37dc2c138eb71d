"""A baseline is used once and stored once, wherever it comes from; what cannot be read changes nothing."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.baseline_shelf import BaselineShelf
from streams.detectors.baselines import Baseline
from streams.detectors.gamma_poisson import Prior

DAY = datetime(2026, 3, 1, tzinfo=UTC)
ONE, OTHER = (
    Baseline.of(Prior(2.0, requests), "contoso", subjects=900, fitted_to=DAY, holds_from=DAY) for requests in (50, 100)
)


def wire(baseline: Baseline) -> bytes:
    return baseline.model_dump_json().encode()


def test_a_baseline_is_used_once_and_in_the_order_of_arrival() -> None:
    used: list[Baseline] = []
    shelf = BaselineShelf(used.append)
    assert all(shelf.take(wire(one)) for one in (ONE, OTHER, ONE))
    assert used == [ONE, OTHER]


def test_a_baseline_is_stored_once() -> None:
    shelf = BaselineShelf(lambda _: None)
    shelf.take(wire(ONE))
    assert list(shelf.changed()) == [(b"w|" + ONE.id.encode(), wire(ONE))]
    shelf.take(wire(ONE))
    assert list(shelf.changed()) == []


def test_what_was_stored_is_used_again_and_not_stored_again() -> None:
    first, used = BaselineShelf(lambda _: None), list[Baseline]()
    first.take(wire(ONE))
    second = BaselineShelf(used.append)
    for key, value in first.changed():
        second.restore(key.removeprefix(second.prefix), value)
    assert second.take(wire(ONE))
    assert used == [ONE]
    assert list(second.changed()) == []


def test_a_state_record_without_a_value_changes_nothing() -> None:
    used: list[Baseline] = []
    shelf = BaselineShelf(used.append)
    shelf.restore(ONE.id.encode(), None)
    shelf.restore(ONE.id.encode(), b"{")
    assert not used


DAMAGED = {
    "empty": b"",
    "not UTF-8": b"\xff",
    "cut off": wire(ONE)[:-1],
    "another type": b"[]",
    "without its fields": b"{}",
    "too deep": b"[" * 100_000,
    "half a character": wire(ONE).replace(b"bas_", b"\\ud800"),
    "not UTF-8 where nobody looks": wire(ONE)[:-1] + b',"later":"\xff"}',
    "not a number": wire(ONE).replace(b'"violations":2.0', b'"violations":NaN'),
    "out of bounds": wire(OTHER).replace(b'"requests":100', b'"requests":1e9'),
    "of another contract": wire(ONE).replace(b'"v":1', b'"v":2'),
}


@pytest.mark.parametrize("value", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_cannot_be_read_is_refused_and_neither_used_nor_stored(value: bytes) -> None:
    used: list[Baseline] = []
    shelf = BaselineShelf(used.append)
    assert value != wire(ONE)
    assert not shelf.take(value)
    assert not used
    assert list(shelf.changed()) == []


@given(st.integers(0, len(wire(ONE)) - 1), st.integers(0, 255))
def test_one_wrong_byte_is_refused_or_read_and_nothing_else(place: int, byte: int) -> None:
    value = bytearray(wire(ONE))
    value[place] = byte
    used: list[Baseline] = []
    assert BaselineShelf(used.append).take(bytes(value)) is bool(used)
