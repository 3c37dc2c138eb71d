"""Items released by the clock: what is past at once, the rest when its time comes; it renders nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime, timedelta

from traffic.item import Item, restamped

_CHECK_EVERY = 250


async def paced(
    items: Iterable[Item],
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], Awaitable[object]],
    speed: float = 1.0,
    catch_up_per_s: float = 5_000.0,
) -> AsyncIterator[Item]:
    """Release items, which must be in order of time, so that the last one is never ahead of the clock.

    Items older than the first look at the clock are history: released as they are, at most `catch_up_per_s` a
    second. Later ones wait until their time, which passes `speed` times as fast as the clock; with a speed other
    than 1 they carry the time of their release. `clock` gives an aware time, `sleep` takes seconds.
    Raises ValueError for a speed or rate that is not positive.
    """
    if speed <= 0 or catch_up_per_s <= 0:
        raise ValueError("speed and catch_up_per_s must be positive")
    begun = clock()
    for released, item in enumerate(items):
        if item.at <= begun:
            if released % _CHECK_EVERY == 0:
                await _until(begun + timedelta(seconds=released / catch_up_per_s), clock=clock, sleep=sleep)
            yield item
        else:
            due = begun + (item.at - begun) / speed
            await _until(due, clock=clock, sleep=sleep)
            yield item if speed == 1 else restamped(item, due)


async def _until(
    moment: datetime, *, clock: Callable[[], datetime], sleep: Callable[[float], Awaitable[object]]
) -> None:
    while (wait := (moment - clock()).total_seconds()) > 0:
        await sleep(wait)
