import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.errors import BucketError
from events.seen import Seen, event_hash, event_hashes

hashes = st.integers(0, 2**64 - 1)


def test_an_event_is_new_once() -> None:
    seen = Seen()
    assert [seen.add(7, 42), seen.add(7, 42), seen.add(8, 42), seen.add(7, 43)] == [True, False, True, True]
    assert len(seen) == 3


@given(st.lists(st.tuples(st.sampled_from(["a", "b-c"]), st.text("ab:|é"))))
def test_many_events_have_the_hashes_of_each(events: list[tuple[str, str]]) -> None:
    packed = event_hashes(f"{tenant}|{event_id}".encode() for tenant, event_id in events)
    assert packed == b"".join(event_hash(*event).to_bytes(8, "little") for event in events)


@given(st.lists(st.tuples(st.integers(0, 5), hashes)))
def test_it_agrees_with_a_plain_set(events: list[tuple[int, int]]) -> None:
    seen, plain = Seen(), set[tuple[int, int]]()
    for event in events:
        assert seen.add(*event) == (event not in plain)
        plain.add(event)
    assert len(seen) == len(plain)


def test_minutes_before_the_mark_are_forgotten() -> None:
    seen = Seen()
    for minute in (3, 1, 2):
        seen.add(minute, minute)
    seen.forget_before(2)
    assert list(seen.minutes()) == [2, 3]
    assert len(seen) == 2
    assert seen.forgotten == 0


def test_past_its_limit_the_oldest_minute_goes_and_is_counted() -> None:
    seen = Seen(limit=3)
    for minute, hashed in [(1, 10), (1, 11), (2, 12), (3, 13)]:
        seen.add(minute, hashed)
    assert list(seen.minutes()) == [2, 3]
    assert (len(seen), seen.forgotten) == (2, 2)


@given(st.sets(hashes))
def test_a_minute_survives_being_stored(known: set[int]) -> None:
    seen, again = Seen(), Seen()
    for hashed in known:
        seen.add(7, hashed)
    again.load(7, seen.dump(7))
    assert again.dump(7) == seen.dump(7)
    assert len(again.dump(7)) == 8 * len(known)
    assert not any(again.add(7, hashed) for hashed in known)


def test_stored_bytes_do_not_depend_on_the_order_of_arrival() -> None:
    one, other = Seen(), Seen()
    for hashed in (3, 1, 2):
        one.add(7, hashed)
    for hashed in (2, 3, 1):
        other.add(7, hashed)
    assert one.dump(7) == other.dump(7) == b"".join(value.to_bytes(8, "little") for value in (1, 2, 3))


def test_an_unknown_minute_is_stored_as_nothing() -> None:
    assert Seen().dump(7) == b""


def test_torn_bytes_are_refused() -> None:
    with pytest.raises(BucketError) as caught:
        Seen().load(7, b"1234567890")
    assert caught.value.minute == 7


def test_the_hash_is_the_same_in_every_process() -> None:
    assert event_hash("acme", "r-1:prompt:hate") == 0x7FF7446AB93CCD32


@given(st.text(), st.text())
def test_the_hash_is_64_unsigned_bits(tenant: str, event_id: str) -> None:
    assert 0 <= event_hash(tenant, event_id) < 2**64
