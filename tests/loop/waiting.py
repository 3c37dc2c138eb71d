"""Waits for what a running loop does by and by: it looks often, and gives up with a reason. It never just sleeps."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

T = TypeVar("T")
_LOOK_SECONDS = 0.02


async def until(
    look: Callable[[], T | Awaitable[T]], what: str, *, seconds: float = 60.0, every: float = _LOOK_SECONDS
) -> T:
    """The first truthy answer of `look`. Fails when none came in time."""
    deadline = monotonic() + seconds
    while True:
        found = look()
        answer: T = await found if isinstance(found, Awaitable) else found
        if answer:
            return answer
        assert monotonic() < deadline, f"not within {seconds:g} s: {what}; last answer {answer!r}"
        await asyncio.sleep(every)
