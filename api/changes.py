"""Numbered changes and the clients that follow them; it knows neither HTTP nor what changed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from api.errors import BadCursor, TooManyStreams

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One change. `number` grows by one per change of its hub and starts again with the process."""

    number: int
    value: T


class Subscription(Generic[T]):
    """One client's queue: bounded, so that a slow client costs itself its connection and nobody memory."""

    def __init__(self, size: int) -> None:
        self._queue: asyncio.Queue[Change[T] | None] = asyncio.Queue(size + 1)
        self._size = size
        self.fell_behind = False

    def offer(self, change: Change[T]) -> None:
        """Queue a change, or close the subscription if the queue is full."""
        if self.fell_behind:
            return
        if self._queue.qsize() >= self._size:
            self.fell_behind = True
            self.close()
        else:
            self._queue.put_nowait(change)

    def close(self) -> None:
        """End after what is queued; the last slot is kept free for this."""
        if not self._queue.full():
            self._queue.put_nowait(None)

    async def next(self) -> Change[T] | None:
        """The next change, None at the end."""
        return await self._queue.get()


class Hub(Generic[T]):
    """Numbers changes and hands each to every subscription. `epoch` differs per process run.

    Everything happens in one event loop, so a snapshot taken right after subscribing has no gap to the queue.
    """

    def __init__(self, epoch: str, *, max_subscriptions: int = 1_000) -> None:
        self.epoch = epoch
        self.number = 0
        self._max = max_subscriptions
        self._subscriptions: set[Subscription[T]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._subscriptions)

    def publish(self, value: T) -> Change[T]:
        """Number a change and queue it for every subscription; never waits."""
        self.number += 1
        change = Change(self.number, value)
        for subscription in self._subscriptions:
            subscription.offer(change)
        return change

    @contextmanager
    def subscribe(self, size: int) -> Iterator[Subscription[T]]:
        """Follow from now on, with room for `size` unread changes."""
        subscription: Subscription[T] = Subscription(size)
        self._subscriptions.add(subscription)
        try:
            if self._closed:
                subscription.close()
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def check_room(self) -> None:
        """Raises TooManyStreams when no further client should be taken."""
        if len(self._subscriptions) >= self._max:
            raise TooManyStreams

    def close(self) -> None:
        """End every subscription, now and later: the process stops."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.close()

    def event_id(self, number: int) -> str:
        """The id that a stream sends with a change."""
        return f"{self.epoch}.{number}"

    def resume_at(self, event_id: str) -> int | None:
        """The number behind an event id; None when it was given by another run. Raises BadCursor."""
        epoch, dot, number = event_id.rpartition(".")
        if not (dot and epoch and number.isascii() and number.isdigit() and len(number) <= 18):
            raise BadCursor(field="Last-Event-ID")
        return int(number) if epoch == self.epoch and int(number) <= self.number else None
