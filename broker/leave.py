"""Ends an aiokafka consumer or producer in bounded time, whatever the broker does; it commits nothing."""

import asyncio
from collections.abc import Coroutine
from typing import Any

_SECONDS = 5.0
_TRIES = 3
_PROMPTLY = 1.0
"""Seconds in which what is cancelled ends, unless it has missed it."""


async def leave(member: Any, *, seconds: float = _SECONDS) -> bool:
    """Stop a consumer or a producer. False when it took longer than `seconds`, or broke off: then only its connections
    are closed.

    aiokafka breaks off with the cancellation of its own fetch where that waits for a broker that is away. It waits
    without limit for its metadata task to end, and the task can miss that it is cancelled: before Python 3.12
    `asyncio.wait_for` loses a cancellation that comes just when a connection is refused. It takes a second one.
    """
    if await _ended(member.stop(), seconds):
        return True
    connections = member.client if hasattr(member, "client") else member._client
    await _ended(connections.close(), seconds)
    return False


async def _ended(step: Coroutine[Any, Any, None], seconds: float) -> bool:
    """Whether it came to its end. If it takes too long it is cancelled, and again, and then left to itself."""
    ending = asyncio.create_task(step)
    done, _ = await asyncio.wait({ending}, timeout=seconds)
    if done:
        if not ending.cancelled():
            ending.result()
        return not ending.cancelled()
    for _ in range(_TRIES):
        ending.cancel()
        done, _ = await asyncio.wait({ending}, timeout=_PROMPTLY)
        if done:
            break
    return False
