"""A new log starts at offset 0 with the rebased states: what was learned goes on, nothing of the new log is skipped."""

from collections.abc import Callable, Iterable
from datetime import timedelta

import msgspec
import pytest
from alert_facts import AT, ENFORCE, acknowledge, lift, series_signal, signal
from notify_facts import ENDED, OPENED, OWNED, UPDATED, revisions
from notify_facts import new as new_notify
from series_records import count, ids, logged, mark, score
from stream_records import START, Raw, blocked, record, records, reopened, sent, verdict

from alerts.notify.delivery import Delivered
from broker.bulk import Outgoing
from events import FilterVerdict
from events.topics import (
    BOOKS,
    COMMANDS,
    FILTER_VERDICTS,
    INCIDENTS,
    LEDGER,
    SERIES_COUNTS,
    SERIES_SCORES,
    SIGNALS,
)
from policy import load_policy
from streams import series
from streams.books import Books
from streams.decide import DecideLane
from streams.detect import DetectLane
from streams.lane import Flush, Lane
from streams.notify import NotifyLane
from streams.observe import ObserveLane
from streams.rebase import rebase

POLICY = load_policy("azure-default")
FAST = load_policy("demo")
VERDICTS = FILTER_VERDICTS.name


def observer() -> ObserveLane:
    return ObserveLane(0, policy=POLICY, partitions=2)


def detector() -> DetectLane:
    return DetectLane(0, policy=FAST, partitions=2)


def decider() -> DecideLane:
    return DecideLane(0, policy=ENFORCE, partitions=2)


def moved(state: Iterable[Outgoing]) -> list[Outgoing]:
    """The state records as the new log has them; compaction has left the last of each key."""
    last = {one.key or b"": one for one in state}
    rebased = [(one, rebase(one.topic, key, one.value)) for key, one in last.items() if one.value is not None]
    return [one._replace(value=value) for one, value in rebased if value is not None]


def carried(lane: Lane, new: Callable[[], Lane]) -> Lane:
    """A lane on the new log, with what `lane` has learned."""
    return reopened(new(), moved(lane.drain(0.0).state))


def again(values: Iterable[tuple[int, bytes]]) -> list[Raw]:
    return [Raw(offset, 0, b"k", value) for offset, value in values]


def books(flush: Flush) -> Books:
    return msgspec.json.decode(sent(flush, BOOKS.name)[-1].value or b"", type=Books)


def counted(flush: Flush) -> list[tuple[int, int, int]]:
    found = [series.DECODE(one.value or b"") for one in sent(flush, SERIES_COUNTS.name)]
    return [
        (one.evaluated, one.flagged, one.source)
        for one in found
        if isinstance(one, series.SeriesCount) and "*" not in one.series
    ]


def offender(numbers: Iterable[int]) -> list[FilterVerdict]:
    gap = timedelta(minutes=10)
    return [(blocked if n % 2 else verdict)(n, at=START + n * gap) for n in numbers]


def test_an_observer_goes_on_with_subjects_and_reads_the_new_log_from_its_start() -> None:
    before, whole = observer(), observer()
    before.apply(VERDICTS, records(offender(range(20))))
    after = carried(before, observer)
    after.apply(VERDICTS, records(offender(range(20, 40))))
    flush = after.drain(0.0)
    whole.apply(VERDICTS, records(offender(range(20))))
    whole.drain(0.0)
    whole.apply(VERDICTS, [record(offset, one) for offset, one in enumerate(offender(range(20, 40)), 20)])
    expected = ids(sent(whole.drain(0.0), SIGNALS.name))
    assert ids(sent(flush, SIGNALS.name)) == expected != []
    assert (books(flush).read, books(flush).applied, books(flush).next_offset) == (20, 20, 20)


def test_an_observer_goes_on_with_the_totals_of_the_running_minute() -> None:
    before = observer()
    before.apply(VERDICTS, records([blocked(0), blocked(1), verdict(2)]))
    after = carried(before, observer)
    after.apply(VERDICTS, records([blocked(3)]))
    assert counted(after.drain(0.0)) == [(4, 3, 0)]


def test_an_observer_knows_an_event_that_is_sent_again_to_the_new_log() -> None:
    before = observer()
    before.apply(VERDICTS, records([blocked(0), blocked(1)]))
    after = carried(before, observer)
    after.apply(VERDICTS, records([blocked(1), blocked(2)]))
    flush = after.drain(0.0)
    assert (books(flush).duplicate, books(flush).applied) == (1, 1)


def test_an_observer_keeps_its_watermark() -> None:
    before = observer()
    before.apply(VERDICTS, records([verdict(0)]))
    after = carried(before, observer)
    after.apply(VERDICTS, records([verdict(1, at=START - timedelta(minutes=11))]))
    assert books(after.drain(0.0)).late == 1


def test_a_second_move_works_like_the_first() -> None:
    first = observer()
    first.apply(VERDICTS, records([blocked(0)]))
    log = moved(first.drain(0.0).state)
    second = reopened(observer(), log)
    second.apply(VERDICTS, records([blocked(1)]))
    third = reopened(observer(), moved([*log, *second.drain(0.0).state]))
    third.apply(VERDICTS, records([blocked(0), blocked(1), blocked(2)]))
    flush = third.drain(0.0)
    assert (books(flush).duplicate, books(flush).applied, counted(flush)[0][1]) == (2, 1, 3)


def test_a_detector_goes_on_with_series_scores_and_watermarks() -> None:
    counts = [count(minute, 40 if minute >= 30 else 1, source=source) for minute in range(35) for source in range(2)]
    scores = [score(n, 0.9 if n < 220 else 0.1, offset=n) for n in range(300)]
    one, two = detector(), detector()
    for lane in (one, two):
        lane.apply(SERIES_COUNTS.name, logged([*counts[:50], mark(14), mark(14, source=1)]))
        lane.apply(SERIES_SCORES.name, logged([*scores[:210], mark(1), mark(1, source=1)]))
    two_moved = carried(two, detector)
    one.drain(0.0)
    rest, end = [*counts[50:], mark(30), mark(30, source=1)], [mark(10), mark(10, source=1)]
    one.apply(SERIES_COUNTS.name, logged(rest, start=52))
    one.apply(SERIES_SCORES.name, logged([*scores[210:], *end], start=212))
    fresh = [series.SeriesScore(s.series, s.event_id, s.at, s.value, s.source, s.offset - 210) for s in scores[210:]]
    two_moved.apply(SERIES_COUNTS.name, logged(rest))
    two_moved.apply(SERIES_SCORES.name, logged([*fresh, *end]))
    expected = one.drain(0.0)
    assert ids(sent(two_moved.drain(0.0), SIGNALS.name)) == ids(sent(expected, SIGNALS.name))
    found = {msgspec.json.decode(signal.value or b"")["detector"] for signal in sent(expected, SIGNALS.name)}
    assert found == {"category_spike", "groundedness_drift"}


def test_a_decider_goes_on_with_cases_and_incidents_and_knows_what_it_has_handled() -> None:
    first, second = signal(1, level="block"), series_signal(1)
    before = decider()
    before.apply(SIGNALS.name, again([(0, first.model_dump_json().encode()), (1, second.model_dump_json().encode())]))
    flush = before.drain(0.0)
    made = [msgspec.json.decode(one.value or b"") for one in sent(flush, LEDGER.name)]
    decision, incident = made[0]["about"], made[1]["about"]
    after = reopened(decider(), moved(flush.state))
    after.apply(SIGNALS.name, again([(0, first.model_dump_json().encode()), (1, second.model_dump_json().encode())]))
    assert after.drain(0.0).outputs == ()
    fresh = reopened(decider(), moved(flush.state))
    fresh.apply(SIGNALS.name, again([(0, series_signal(2).model_dump_json().encode())]))
    assert [one.key for one in sent(fresh.drain(0.0), INCIDENTS.name)] == [incident.encode()]
    commands = [lift(decision), acknowledge(incident)]
    after.apply(COMMANDS.name, again((n, one.model_dump_json().encode()) for n, one in enumerate(commands)))
    kinds = [msgspec.json.decode(one.value or b"")["kind"] for one in sent(after.drain(0.0), LEDGER.name)]
    assert kinds == ["lift", "incident_acknowledged"]


def test_a_notifier_tells_nothing_again_and_what_was_still_due() -> None:
    before = new_notify()
    before.apply(INCIDENTS.name, revisions(OPENED))
    ((key, sent_one),) = before.due(AT)
    before.settle(key, sent_one, delivery=Delivered(200), now=AT)
    after = carried(before, new_notify)
    assert isinstance(after, NotifyLane)
    after.apply(INCIDENTS.name, revisions(OPENED))
    assert list(after.due(AT)) == []
    after.apply(INCIDENTS.name, revisions(OWNED, start=1))
    assert [one.revision for _, one in after.due(AT)] == [OWNED.revision]


def test_a_notifier_is_silent_about_what_was_over_when_the_log_is_written_anew() -> None:
    before = new_notify()
    before.apply(INCIDENTS.name, revisions(OPENED, UPDATED, OWNED, ENDED))
    state = list(before.drain(0.0).state)
    ((key, sent_one),) = before.due(AT)
    before.settle(key, sent_one, delivery=Delivered(200), now=AT)
    after = reopened(new_notify(), moved([*state, *before.drain(0.0).state]))
    assert isinstance(after, NotifyLane)
    after.apply(INCIDENTS.name, revisions(ENDED))
    assert list(after.due(AT)) == []


def test_topics_that_hold_no_worker_state_move_as_they_are() -> None:
    assert rebase(INCIDENTS.name, b"inc_1", b"{}") == b"{}"


@pytest.mark.parametrize(
    ("topic", "key"),
    [("observe-state", b"s|a|b"), ("observe-state", b"c|1|a"), ("observe-state", b"i|t|1|0"), ("observe-state", b"p|t"),
     ("detect-state", b"d|a"), ("detect-state", b"p|t")],
)  # fmt: skip
def test_a_state_of_another_version_is_refused(topic: str, key: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        rebase(topic, key, msgspec.msgpack.encode("another version"))
