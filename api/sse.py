"""Server-sent events over a hub: first what was missed, then what happens; a slow client is cut, not buffered."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from fastapi.responses import StreamingResponse

from api.changes import Change, Hub

T = TypeVar("T")
HEARTBEAT = b": heartbeat\n\n"


@dataclass(frozen=True, slots=True)
class Source(Generic[T]):
    """What a stream sends: first `missed`, a list taken at once, then what is new.

    `render` makes a change JSON, or leaves it out with None.
    `opening` is an event sent first, e.g. `reset` when the client must forget what it knew.
    """

    hub: Hub[T]
    event: str
    missed: Callable[[], Sequence[Change[T]]]
    render: Callable[[T], str | None]
    opening: str | None = None


def frame(event: str, data: str, *, event_id: str | None = None) -> bytes:
    """One event in wire form; `data` is JSON on one line."""
    tail = f"id: {event_id}\n" if event_id is not None else ""
    return f"event: {event}\ndata: {data}\n{tail}\n".encode()


def stream(source: Source[T], *, queue: int, heartbeat: timedelta, cut: Callable[[], None]) -> StreamingResponse:
    """The response: it ends with `slow_client` or `closing`, and can be resumed. Raises TooManyStreams."""
    source.hub.check_room()
    body = follow(source, queue=queue, heartbeat=heartbeat.total_seconds(), cut=cut)
    return StreamingResponse(body, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def follow(source: Source[T], *, queue: int, heartbeat: float, cut: Callable[[], None]) -> AsyncIterator[bytes]:
    """The events of a stream, in wire form."""
    with source.hub.subscribe(queue) as subscription:
        now, missed = source.hub.number, source.missed()
        if source.opening:
            yield frame(source.opening, "{}")
        for change in missed:
            if text := _wire(source, change):
                yield text
        yield frame("ready", "{}", event_id=source.hub.event_id(now))
        while True:
            try:
                async with asyncio.timeout(heartbeat):
                    following = await subscription.next()
            except TimeoutError:
                yield HEARTBEAT
                continue
            if following is None:
                break
            if text := _wire(source, following):
                yield text
        if subscription.fell_behind:
            cut()
        yield frame("slow_client" if subscription.fell_behind else "closing", "{}")


def _wire(source: Source[T], change: Change[T]) -> bytes | None:
    text = source.render(change.value)
    return frame(source.event, text, event_id=source.hub.event_id(change.number)) if text is not None else None
