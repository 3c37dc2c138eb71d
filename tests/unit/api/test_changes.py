"""The hub: numbered changes, bounded queues, resumption."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.changes import Hub, Subscription
from api.errors import BadCursor, TooManyStreams


async def drained(subscription: Subscription[str]) -> list[str]:
    found = []
    while (change := await subscription.next()) is not None:
        found.append(change.value)
    return found


async def test_a_subscription_gets_every_change_after_it_in_order() -> None:
    hub: Hub[str] = Hub("e")
    hub.publish("before")
    with hub.subscribe(10) as subscription:
        for value in "abc":
            hub.publish(value)
        hub.close()
        assert await drained(subscription) == ["a", "b", "c"]
        assert not subscription.fell_behind


async def test_a_subscription_that_does_not_read_is_closed_with_what_it_had() -> None:
    hub: Hub[str] = Hub("e")
    with hub.subscribe(2) as subscription:
        for value in "abcd":
            hub.publish(value)
        assert await drained(subscription) == ["a", "b"]
        assert subscription.fell_behind


async def test_one_slow_subscription_costs_no_other_a_change() -> None:
    hub: Hub[str] = Hub("e")
    with hub.subscribe(1), hub.subscribe(10) as quick:
        for value in "abc":
            hub.publish(value)
        hub.close()
        assert await drained(quick) == ["a", "b", "c"]


async def test_a_closed_hub_ends_later_subscriptions_at_once() -> None:
    hub: Hub[str] = Hub("e")
    hub.close()
    with hub.subscribe(5) as subscription:
        assert await drained(subscription) == []


def test_a_subscription_is_forgotten_when_it_ends() -> None:
    hub: Hub[str] = Hub("e")
    with hub.subscribe(1):
        assert len(hub) == 1
    assert len(hub) == 0


def test_there_is_room_for_so_many_subscriptions_only() -> None:
    hub: Hub[str] = Hub("e", max_subscriptions=1)
    hub.check_room()
    with hub.subscribe(1), pytest.raises(TooManyStreams):
        hub.check_room()


def test_an_event_id_resumes_in_its_own_run_only() -> None:
    hub: Hub[str] = Hub("e")
    hub.publish("a")
    assert hub.resume_at(hub.event_id(1)) == 1
    assert hub.resume_at("other.1") is None
    assert hub.resume_at("e.2") is None, "a number that was never given"


@given(st.text(max_size=40).filter(lambda text: not text.rpartition(".")[2].isdigit()))
def test_an_event_id_that_nobody_gave_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        Hub[str]("e").resume_at(text)
