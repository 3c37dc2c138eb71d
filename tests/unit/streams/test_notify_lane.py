from datetime import datetime, timedelta

import msgspec
from alert_facts import AT
from notify_facts import ENDED, OPENED, OWNED, RECEIVER, UPDATED, new, revisions
from stream_records import Raw, reopened, sent

from alerts.notify.delivery import Delivered, Delivery, Rejected, Retry
from broker.bulk import Outgoing
from events.topics import INCIDENTS, LEDGER
from streams.lane import Source
from streams.notify import NotifyLane

TOPIC = INCIDENTS.name
KEY = f"{OPENED.id}|oncall"


def told(lane: NotifyLane, delivery: Delivery | None = None, *, now: datetime = AT) -> list[int]:
    """Settle everything that is due; the revisions told."""
    due = list(lane.due(now))
    for key, notification in due:
        lane.settle(key, notification, delivery=delivery or Delivered(200), now=now)
    return [notification.revision for _, notification in due]


def test_a_new_incident_is_due_until_it_is_settled() -> None:
    lane = new()
    lane.apply(TOPIC, revisions(OPENED))
    assert told(lane) == [1]
    assert told(lane, now=AT + timedelta(days=1)) == []


def test_every_receiver_is_told() -> None:
    lane = new(receivers=[RECEIVER, RECEIVER | {"name": "chat"}])
    lane.apply(TOPIC, revisions(OPENED))
    assert {one.receiver for _, one in lane.due(AT)} == {"oncall", "chat"}


def test_without_receivers_nothing_is_kept() -> None:
    lane = new(receivers=[])
    lane.apply(TOPIC, revisions(OPENED))
    assert [one.key for one in lane.drain(0.0).state] == [b"p|incidents"]


def test_a_delivery_goes_to_the_ledger() -> None:
    lane = new()
    lane.apply(TOPIC, revisions(OPENED))
    told(lane, Rejected("http_410"))
    (entry,) = sent(lane.drain(0.0), LEDGER.name)
    assert entry.key == OPENED.series.encode()
    assert msgspec.json.decode(entry.value or b"")["detail"]["reason"] == "http_410"


def test_a_failed_attempt_waits_and_leaves_no_entry() -> None:
    lane = new()
    lane.apply(TOPIC, revisions(OPENED))
    told(lane, Retry("timeout"))
    assert lane.drain(0.0).outputs == ()
    assert [told(lane, now=AT + timedelta(seconds=wait)) for wait in (4, 5)] == [[], [1]]


def test_what_is_resolved_and_told_is_forgotten() -> None:
    lane = new()
    lane.apply(TOPIC, revisions(OPENED, UPDATED, OWNED, ENDED))
    assert [one.value is None for one in lane.drain(0.0).state] == [False, False]
    assert told(lane) == [4]
    assert [(one.key, one.value) for one in lane.drain(0.0).state] == [(f"n|{KEY}".encode(), None)]


def test_what_was_forgotten_is_not_told_again_when_the_log_is_read_again() -> None:
    lane = new()
    lane.apply(TOPIC, revisions(OPENED, ENDED))
    told(lane)
    lane.drain(0.0)
    lane.apply(TOPIC, revisions(OPENED, ENDED))
    assert told(lane) == []


def test_a_result_that_nobody_waits_for_is_ignored() -> None:
    lane = new()
    lane.apply(TOPIC, revisions(OPENED, ENDED))
    ((key, notification),) = lane.due(AT)
    told(lane)
    lane.drain(0.0)
    lane.settle(key, notification, delivery=Delivered(200), now=AT)
    assert lane.drain(0.0).empty


def test_an_incident_that_is_over_before_it_was_heard_of_is_no_news() -> None:
    lane = new()
    lane.apply(TOPIC, revisions(ENDED))
    assert told(lane) == []


def test_old_repeated_and_deleted_revisions_change_nothing() -> None:
    lane = new()
    lane.apply(TOPIC, revisions(OPENED, UPDATED))
    told(lane)
    lane.apply(TOPIC, revisions(OPENED, UPDATED))
    lane.apply(TOPIC, [*revisions(OPENED, start=2), Raw(3, 0, b"k", None)])
    assert told(lane, now=AT + timedelta(days=1)) == []
    assert lane.position[Source(TOPIC, 0)] == 4


def test_a_successor_knows_what_was_told_and_what_was_not() -> None:
    lane = new()
    lane.apply(TOPIC, revisions(OPENED))
    told(lane)
    lane.apply(TOPIC, revisions(OWNED, start=1))
    successor = new()
    reopened(successor, lane.drain(0.0).state)
    assert [[note.what for note in one.changes] for _, one in successor.due(AT)] == [["acknowledged"]]
    assert successor.position[Source(TOPIC, 0)] == 2


def test_a_successor_forgets_what_was_forgotten() -> None:
    lane, successor = new(), new()
    lane.apply(TOPIC, revisions(OPENED, ENDED))
    state = list(lane.drain(0.0).state)
    told(lane)
    state += [
        *lane.drain(0.0).state,
        Outgoing("notify-state", b"?|unknown", b"?"),
        Outgoing("notify-state", b"p|x", None),
    ]
    reopened(successor, state)
    assert told(successor, now=AT + timedelta(days=1)) == []
    assert successor.drain(0.0).empty
