"""Totals per key and minute only grow, count each offset once, and survive a restart."""

from streams.series import Tally
from streams.tallies import Tallies


def test_counts_of_one_minute_add_up_and_an_offset_counts_once() -> None:
    tallies = Tallies(b"t|")
    for offset in (4, 4, 3, 5):
        tallies.add("key", "contoso|k", 7, offset=offset, counts=(1, 2))
    assert list(tallies.published(3)) == [Tally("key", "contoso|k", 7, 3, (2, 4))]


def test_totals_are_published_oldest_first_and_only_when_changed() -> None:
    tallies = Tallies(b"t|")
    tallies.add("key", "b", 8, offset=1, counts=(1,))
    tallies.add("filter", "a", 7, offset=2, counts=(1,))
    assert [one.minute for one in tallies.published(0)] == [7, 8]
    list(tallies.changed())
    assert list(tallies.published(0)) == []


def test_a_successor_goes_on_where_the_state_ends() -> None:
    tallies, successor = Tallies(b"t|"), Tallies(b"t|")
    tallies.add("key", "contoso|k", 7, offset=4, counts=(1, 0))
    tallies.add("key", "contoso|k", 1, offset=5, counts=(1, 0))
    state = list(tallies.changed())
    tallies.forget_before(5)
    for key, value in (*state, *tallies.changed()):
        successor.restore(key.removeprefix(b"t|"), value)
    for offset in (4, 6):
        successor.add("key", "contoso|k", 7, offset=offset, counts=(1, 1))
    assert len(successor) == 1
    assert list(successor.published(0)) == [Tally("key", "contoso|k", 7, 0, (2, 1))]
