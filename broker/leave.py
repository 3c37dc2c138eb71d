"""Ends an aiokafka consumer in bounded time, whatever the broker does; it commits nothing."""

import asyncio
from typing import Any

_SECONDS = 5.0
_TRIES = 3


async def leave(consumer: Any, *, seconds: float = _SECONDS) -> None:
    """Stop a consumer. When that takes longer, it is cancelled, and again, and then left to end by itself.

    aiokafka waits without limit for its metadata task to end, and the task can miss that it is cancelled: before Python
    3.12 `asyncio.wait_for` loses a cancellation that comes just when a connection is refused. It takes a second one.
    """
    stopping = asyncio.create_task(consumer.stop())
    for _ in range(_TRIES):
        done, _ = await asyncio.wait({stopping}, timeout=seconds)
        if done:
            break
        stopping.cancel()
    if stopping.done() and not stopping.cancelled():
        stopping.result()
