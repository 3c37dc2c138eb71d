import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from notify_facts import ENDED, OPENED, OWNED, RECEIVER, Notepad, new, revisions
from stream_records import reopened

from alerts.incident import Incident
from alerts.notify.delivery import Delivered, Delivery, Retry
from alerts.notify.notification import Notification
from alerts.notify.receiver import Receiver
from events.topics import INCIDENTS
from streams.deliver import deliver
from streams.lane import Lane
from streams.notify import NotifyLane


@dataclass
class Open:
    """The lanes that are open."""

    held: list[Lane] = field(default_factory=list)

    def lanes(self) -> list[Lane]:
        return list(self.held)


class Gate:
    """A receiver that holds every delivery until it is opened."""

    name = "oncall"

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.opened = asyncio.Event()
        self.cancelled = 0
        self.got: list[Notification] = []

    async def deliver(self, notification: Notification, *, now: datetime) -> Delivery:
        self.got.append(notification)
        self.asked.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Delivered(200)


class Idle(Lane):
    """A lane of another agent."""

    agent, state_topic = "idle", "idle-state"

    def restore(self, key: bytes, value: bytes | None) -> None: ...

    def apply(self, topic: str, records: object) -> None: ...

    def changed(self) -> list[tuple[bytes, bytes | None]]:
        return []


def watching(*incidents: Incident) -> NotifyLane:
    lane = new()
    lane.apply(INCIDENTS.name, revisions(*incidents))
    return lane


@contextlib.asynccontextmanager
async def delivering(lanes: Open, receivers: Mapping[str, Receiver]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(deliver(lanes, receivers, every_seconds=0.0))
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until(condition: Callable[[], object]) -> None:
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


async def turns(number: int = 50) -> None:
    """Let everything that is ready go on."""
    for _ in range(number):
        await asyncio.sleep(0)


def entries(lane: NotifyLane) -> int:
    return len(lane.outbox.outputs)


async def test_what_is_due_is_sent_once_and_settled() -> None:
    lane, pad = watching(OPENED), Notepad()
    async with delivering(Open([Idle(0), lane]), {"oncall": pad}):
        await until(lambda: entries(lane))
        await turns()
    assert [one.revision for one in pad.got] == [1]


async def test_a_slow_receiver_is_not_asked_twice() -> None:
    lane, gate = watching(OPENED), Gate()
    async with delivering(Open([lane]), {"oncall": gate}):
        await gate.asked.wait()
        await turns()
        assert len(gate.got) == 1
        gate.opened.set()
        await until(lambda: entries(lane))


async def test_a_receiver_that_asks_for_patience_gets_it() -> None:
    lane, pad = watching(OPENED), Notepad(answers=deque([Retry("http_503")]))
    async with delivering(Open([lane]), {"oncall": pad}):
        await until(lambda: pad.got)
        await turns()
    assert len(pad.got) == 1
    assert entries(lane) == 0


async def test_a_receiver_that_raises_is_tried_again_later_and_stops_nobody() -> None:
    lane = new(receivers=[RECEIVER, RECEIVER | {"name": "chat"}])
    lane.apply(INCIDENTS.name, revisions(OPENED))
    broken, chat = Notepad(answers=deque([RuntimeError("secret")])), Notepad("chat")
    async with delivering(Open([lane]), {"oncall": broken, "chat": chat}) as task:
        await until(lambda: broken.got and entries(lane))
        await turns()
        assert not task.done()
    assert [len(broken.got), len(chat.got)] == [1, 1]


async def test_a_receiver_that_the_policy_no_longer_names_is_passed_over() -> None:
    lane = watching(OPENED)
    async with delivering(Open([lane]), {}) as task:
        await turns()
        assert not task.done()
    assert entries(lane) == 0


async def test_a_result_for_a_lane_that_moved_away_is_lost_and_sent_again_by_its_successor() -> None:
    lane, gate, successor = watching(OPENED), Gate(), new()
    state = lane.drain(0.0).state
    lanes = Open([lane])
    async with delivering(lanes, {"oncall": gate}) as task:
        await gate.asked.wait()
        lanes.held.clear()
        gate.opened.set()
        await until(lambda: entries(lane))
        reopened(successor, state)
        lanes.held.append(successor)
        await until(lambda: entries(successor))
        assert not task.done()
    assert len({one.id for one in gate.got}) == 1


async def test_a_result_for_an_incident_that_was_forgotten_stops_nothing() -> None:
    lane, gate = watching(OPENED, ENDED), Gate()
    async with delivering(Open([lane]), {"oncall": gate}) as task:
        await gate.asked.wait()
        lane.restore(f"n|{OPENED.id}|oncall".encode(), None)
        gate.opened.set()
        await turns()
        assert not task.done()


async def test_news_that_came_in_while_sending_is_sent_next() -> None:
    lane, gate = watching(OPENED), Gate()
    async with delivering(Open([lane]), {"oncall": gate}):
        await gate.asked.wait()
        lane.apply(INCIDENTS.name, revisions(OWNED, start=1))
        gate.opened.set()
        await until(lambda: entries(lane) == 2)
    assert [one.revision for one in gate.got] == [1, OWNED.revision]


async def test_the_end_leaves_no_delivery_behind() -> None:
    lane, gate = watching(OPENED), Gate()
    async with delivering(Open([lane]), {"oncall": gate}):
        await gate.asked.wait()
    assert gate.cancelled == 1
