"""When a receiver is due to be told, what it is told, and when it is given up."""

from datetime import datetime, timedelta

import pytest
from alert_facts import AT, acknowledge, new_file, resolve, series_signal
from hypothesis import given
from hypothesis import strategies as st

from alerts.incident import Incident
from alerts.incidents import apply_incident_command, apply_series_signal
from alerts.notify.delivery import Delivered, Delivery, Rejected, Retry
from alerts.notify.notification import PATIENCE, Notification, NotifyState, Patience, due, settle, watch
from policy.policy import Webhook

SECOND = timedelta(seconds=1)
RECEIVER = Webhook.model_validate({"name": "oncall", "url": "https://oncall.example", "secret_file": "secret"})


def history() -> tuple[Incident, ...]:
    """The revisions of one incident: opened, updated, acknowledged, resolved."""
    opened = apply_series_signal(new_file(), series_signal())
    updated = apply_series_signal(opened.file, series_signal(2))
    incident_id = opened.file.incidents[0].id
    owned = apply_incident_command(updated.file, acknowledge(incident_id), now=AT)
    ended = apply_incident_command(owned.file, resolve(incident_id), now=AT)
    return tuple(one.incident for one in (opened, updated, owned, ended) if one.incident)


OPENED, UPDATED, OWNED, ENDED = history()


def watching(*revisions: Incident, now: datetime = AT) -> NotifyState:
    state = None
    for one in revisions:
        state = watch(state, one, receiver=RECEIVER, now=now)
    assert state is not None
    return state


def sent(state: NotifyState, now: datetime = AT) -> Notification:
    notification = due(state, now=now)
    assert notification is not None
    return notification


def after(state: NotifyState, delivery: Delivery, *, now: datetime = AT) -> NotifyState:
    return settle(state, sent(state, now), delivery=delivery, now=now).state


def changes(notification: Notification) -> list[str]:
    return [note.what for note in notification.changes]


def test_opened_incident_is_due_at_once():
    notification = sent(watching(OPENED))
    assert (notification.receiver, notification.revision, notification.incident) == ("oncall", 1, OPENED)
    assert changes(notification) == ["opened"]


def test_notification_is_the_same_however_often_it_is_tried():
    state = watching(OPENED)
    later = after(state, Retry("timeout"))
    assert sent(state).model_dump_json() == sent(later, AT + 5 * SECOND).model_dump_json()


def test_id_differs_by_revision_and_receiver():
    other = watch(None, OPENED, receiver=RECEIVER.model_copy(update={"name": "chat"}), now=AT)
    assert len({sent(watching(OPENED)).id, sent(watching(OPENED, UPDATED)).id, sent(other).id}) == 3


def test_told_receiver_is_left_alone():
    state = after(watching(OPENED), Delivered(200))
    assert due(state, now=AT + timedelta(days=1)) is None


def test_changes_that_nobody_asked_for_are_not_news():
    state = watch(after(watching(OPENED), Delivered(200)), UPDATED, receiver=RECEIVER, now=AT)
    assert due(state, now=AT) is None
    state = watch(state, OWNED, receiver=RECEIVER, now=AT)
    assert changes(sent(state)) == ["acknowledged"]


def test_incident_that_was_never_of_interest_is_never_due():
    quiet = RECEIVER.model_copy(update={"on": ("resolved",)})
    assert due(watch(None, OPENED, receiver=quiet, now=AT), now=AT) is None


def test_old_or_repeated_revisions_change_nothing():
    state = after(watching(OPENED, OWNED), Delivered(200))
    assert watch(state, OWNED, receiver=RECEIVER, now=AT) == state
    assert watch(state, OPENED, receiver=RECEIVER, now=AT) == state


def test_what_happened_during_an_outage_is_told_together():
    state = after(watching(OPENED), Retry("http_503"))
    for revision in (UPDATED, OWNED, ENDED):
        state = watch(state, revision, receiver=RECEIVER, now=AT + SECOND)
    assert due(state, now=AT + SECOND) is None, "news must wait out the backoff"
    notification = sent(state, AT + 5 * SECOND)
    assert changes(notification) == ["opened", "acknowledged", "resolved"]
    assert notification.revision == 4


def test_uninteresting_change_does_not_start_the_attempts_anew():
    state = after(watching(OPENED), Retry("http_503"))
    assert watch(state, UPDATED, receiver=RECEIVER, now=AT).attempts == 1
    assert watch(state, OWNED, receiver=RECEIVER, now=AT).attempts == 0


def test_news_that_came_while_sending_stays_due():
    state = watching(OPENED)
    notification = sent(state)
    state = watch(state, OWNED, receiver=RECEIVER, now=AT)
    state = settle(state, notification, delivery=Delivered(200), now=AT).state
    assert changes(sent(state)) == ["acknowledged"]


def test_waits_double_up_to_the_longest():
    state, now, waits = watching(OPENED), AT, []
    for _ in range(11):
        state = after(state, Retry("timeout"), now=now)
        assert state.next_at is not None
        waits.append((state.next_at - now).total_seconds())
        now = state.next_at
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800]


@pytest.mark.parametrize(("asked", "wait"), [(1, 5), (60, 60), (999_999_999, 1800)])
def test_receiver_may_ask_for_more_time_but_not_for_ever(asked: int, wait: int):
    assert PATIENCE.wait(Retry("http_429", asked * SECOND), attempt=1) == wait * SECOND


@given(attempt=st.integers(1, 10_000))
def test_wait_is_always_bounded(attempt: int):
    assert PATIENCE.first <= PATIENCE.wait(Retry("timeout"), attempt=attempt) <= PATIENCE.longest


def test_unwell_receiver_is_given_up_and_the_ledger_says_so():
    patience = Patience(attempts=2)
    first = settle(watching(OPENED), sent(watching(OPENED)), delivery=Retry("timeout"), now=AT, patience=patience)
    assert first.entry is None
    last = settle(first.state, sent(first.state, AT + 5 * SECOND), delivery=Retry("timeout"), now=AT, patience=patience)
    assert last.entry is not None
    assert last.entry.detail["reason"] == "gave_up:timeout"
    assert due(last.state, now=AT + timedelta(days=1)) is None


def test_delivery_reaches_the_ledger():
    state = watching(OPENED)
    entry = settle(state, sent(state), delivery=Delivered(204), now=AT).entry
    assert entry is not None
    assert (entry.kind, entry.about, entry.key) == ("notification", OPENED.id, OPENED.series)
    assert entry.words == "oncall was told of revision 1."
    assert entry.detail == {
        "notification_id": sent(state).id,
        "receiver": "oncall",
        "revision": 1,
        "result": "delivered",
    }


def test_rejection_reaches_the_ledger_and_is_not_tried_again():
    state = watching(OPENED)
    settled = settle(state, sent(state), delivery=Rejected("http_410"), now=AT)
    assert settled.entry is not None
    assert settled.entry.words == "oncall was not told of revision 1: http_410."
    assert due(settled.state, now=AT + timedelta(days=1)) is None


def test_rejected_receiver_still_hears_of_the_next_change():
    state = watch(after(watching(OPENED), Rejected("http_422")), ENDED, receiver=RECEIVER, now=AT)
    assert changes(sent(state)) == ["acknowledged", "resolved"]


def test_state_survives_json():
    state = after(watching(OPENED, OWNED), Retry("timeout"))
    assert NotifyState.model_validate_json(state.model_dump_json()) == state
