"""History comes at a bounded rate, the present at its own time, and no item is ever ahead of the clock."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from traffic.item import Item, restamped
from traffic.pace import paced

START = datetime(2026, 3, 2, tzinfo=UTC)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def item(seconds: float) -> Item:
    return restamped(Item(START, b'{"at":"2026-03-02T00:00:00.000Z","id":"x"}'), START + timedelta(seconds=seconds))


async def released(
    items: list[Item], clock: Clock, *, speed: float = 1.0, catch_up_per_s: float = 1e9
) -> list[tuple[Item, datetime]]:
    flow = paced(items, clock=clock, sleep=clock.sleep, speed=speed, catch_up_per_s=catch_up_per_s)
    return [(one, clock.now) async for one in flow]


async def test_items_of_the_past_come_at_once_and_unchanged() -> None:
    items = [item(second) for second in range(10)]
    out = await released(items, Clock(START + timedelta(seconds=10)))
    assert [one for one, _ in out] == items
    assert out[-1][1] - out[0][1] < timedelta(milliseconds=1)


async def test_the_past_is_caught_up_with_at_the_bounded_rate() -> None:
    clock = Clock(START + timedelta(days=1))
    await released([item(0)] * 1001, clock, catch_up_per_s=500)
    assert clock.now - START - timedelta(days=1) == timedelta(seconds=2)


async def test_items_of_the_future_wait_for_their_time() -> None:
    items = [item(second) for second in (1, 2, 5)]
    out = await released(items, Clock(START))
    assert [at for _, at in out] == [one.at for one in items]
    assert [one for one, _ in out] == items


async def test_at_another_speed_items_carry_the_time_of_their_release() -> None:
    out = await released([item(second) for second in (0, 60, 120)], Clock(START), speed=60)
    assert [at for _, at in out] == [START, START + timedelta(seconds=1), START + timedelta(seconds=2)]
    for one, at in out:
        assert one.at == at == datetime.fromisoformat(json.loads(one.line)["at"])


async def test_items_that_became_due_while_catching_up_are_not_delayed_further() -> None:
    clock = Clock(START)
    items = [item(-1)] * 501 + [item(1), item(2.5)]
    out = await released(items, clock, catch_up_per_s=250)
    assert [at for _, at in out[-2:]] == [START + timedelta(seconds=2), START + timedelta(seconds=2.5)]


async def test_a_clock_that_sleeps_too_short_is_asked_again() -> None:
    class Drowsy(Clock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(max(seconds / 2, 0.001))

    out = await released([item(10)], Drowsy(START))
    assert out[0][1] >= START + timedelta(seconds=10)


@pytest.mark.parametrize(("speed", "rate"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0)])
async def test_speeds_and_rates_must_be_positive(speed: float, rate: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        await released([item(0)], Clock(START), speed=speed, catch_up_per_s=rate)


def test_a_restamped_line_differs_in_its_time_only() -> None:
    moved = restamped(item(0), START + timedelta(hours=1, milliseconds=7))
    assert json.loads(moved.line) == {"at": "2026-03-02T01:00:00.007Z", "id": "x"}
