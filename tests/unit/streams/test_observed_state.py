"""The state records of one input partition: what a flush writes, in which order, and what is taken back."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from stream_records import START, Raw, blocked, record, records, verdict

from events import FilterVerdict
from events.topics import FILTER_VERDICTS
from policy import LoadedPolicy, load_policy
from policy.policy import DeadLetterLimits
from policy.version import version_of
from streams.counts import Counts
from streams.dead_letters import DeadLetterGuard
from streams.detectors.offender_state import OffenderState
from streams.detectors.repeat_offender import RepeatOffender
from streams.errors import SecondWorker, TooManyDeadLetters
from streams.intake import Intake
from streams.keyed import Keyed
from streams.observe import ObserveLane
from streams.series import DECODE, SeriesCount, Watermark

TOPIC = FILTER_VERDICTS.name
POLICY = load_policy("azure-default").policy
LATE = START + timedelta(minutes=30)


def intake() -> Intake:
    return Intake(TOPIC, 0, model=FilterVerdict, policy=POLICY)


def took(events: Iterable[FilterVerdict], into: Intake, *, start: int = 0) -> int:
    """How many of the events count."""
    chunks = into.chunks([record(offset, event) for offset, event in enumerate(events, start)])
    return sum(len(chunk.offsets) for chunk in chunks)


def restored(state: Iterable[tuple[bytes, bytes | None]]) -> Intake:
    successor = intake()
    for key, value in state:
        kind, _, *numbers = key.decode().split("|")
        if kind == "p":
            successor.restore_position(value or b"")
        else:
            minute, number = map(int, numbers)
            successor.restore_chunk(minute, number, value)
    successor.restored()
    return successor


def test_ids_are_forgotten_when_their_minute_can_no_longer_count() -> None:
    first = intake()
    took([verdict(0)], first)
    ((chunk, _), _) = first.changed()
    took([verdict(1, at=LATE)], first, start=1)
    assert [key for key, value in first.changed() if value is None] == [chunk]


def test_ids_are_forgotten_only_after_the_position_that_forgets_them() -> None:
    """A flush cut off before the position must still know the events that will be read again."""
    first, again = intake(), verdict(0)
    took([again], first)
    state = list(first.changed())
    took([again, verdict(1, at=LATE)], first, start=1)
    flushed = list(first.changed())
    for written in range(len(flushed) + 1):
        successor = restored([*state, *flushed[:written]])
        took([again, verdict(1, at=LATE)], successor, start=1)
        assert (successor.books.applied, successor.books.duplicate) == (2, 1)


def test_ids_that_were_forgotten_are_not_taken_back() -> None:
    first = intake()
    took([verdict(0)], first)
    state = list(first.changed())
    took([verdict(1, at=LATE)], first, start=1)
    state += first.changed()
    successor = restored(state)
    took([verdict(2, at=LATE)], successor, start=2)
    assert None not in [value for _, value in successor.changed()]


def test_ids_of_events_that_will_be_read_again_do_not_count() -> None:
    first = intake()
    took([verdict(0)], first)
    state = list(first.changed())
    took([verdict(1)], first, start=1)
    ((chunk, value), _) = first.changed()
    successor = restored([*state, (chunk, value)])
    assert took([verdict(1)], successor, start=1) == 1


def test_events_that_came_and_went_in_one_batch_leave_no_ids() -> None:
    one = intake()
    took([verdict(0), verdict(1, at=LATE)], one)
    assert len(list(one.changed())) == 2


def test_a_partition_without_any_event_says_once_that_it_is_idle() -> None:
    lane = ObserveLane(1, policy=load_policy("azure-default"), partitions=2)
    flushes = [lane.drain(now) for now in (0.0, 4.0, 5.1, 9.0)]
    marks = [[DECODE(one.value or b"") for one in flush.outputs] for flush in flushes]
    assert [len(one) for one in marks] == [0, 0, 4, 0]
    assert all(isinstance(one, Watermark) and one.idle and one.source == 1 for one in marks[2])


def test_what_an_observer_does_not_know_is_passed_over_on_restore() -> None:
    lane = ObserveLane(1, policy=load_policy("azure-default"), partitions=2)
    for key in (b"p|filter-verdicts", b"?|unknown"):
        lane.restore(key, None)
    assert lane.drain(0.0).empty


def test_an_observer_whose_detector_is_off_still_counts() -> None:
    off = POLICY.model_validate({"name": "t", "author": "t", "detectors": {"repeat_offender": {"enabled": False}}})
    lane = ObserveLane(1, policy=LoadedPolicy(off, version_of(off), source="test"), partitions=2)
    lane.apply(TOPIC, records([blocked(0)]))
    assert (len(lane.judges.subjects), len(lane.counts)) == (0, 1)


def test_totals_are_published_oldest_first() -> None:
    counts = Counts()
    for minute in (7, 3, 5, 1, 9):
        counts.add(f"s{minute % 2}", minute, offset=10 - minute, flagged=True, blocked=False)
    assert [one.minute for one in counts.published(0)] == [1, 3, 5, 7, 9]


def test_a_total_counts_an_offset_once_and_survives_a_restart() -> None:
    counts, successor = Counts(), Counts()
    for offset in (4, 4, 3):
        counts.add("s", 1, offset=offset, flagged=True, blocked=True)
    for key, value in counts.changed():
        successor.restore(key.removeprefix(b"c|"), value)
    successor.add("s", 1, offset=4, flagged=True, blocked=True)
    successor.add("s", 1, offset=5, flagged=False, blocked=False)
    assert list(successor.published(2)) == [SeriesCount("s", 1, 2, 2, 1, 1)]


def test_forgotten_totals_are_gone_after_a_restart() -> None:
    counts, successor = Counts(), Counts()
    counts.add("s", 1, offset=4, flagged=True, blocked=True)
    state = list(counts.changed())
    counts.forget_before(2)
    for key, value in [*state, *counts.changed()]:
        successor.restore(key.removeprefix(b"c|"), value)
    assert (len(counts), len(successor)) == (0, 0)


def test_a_subject_steps_once_per_offset_and_can_be_forgotten() -> None:
    detector = RepeatOffender(POLICY.detectors.repeat_offender, POLICY.care, "p1")
    subjects = Keyed(detector, state=OffenderState, prefix=b"s|")
    for offset in (1, 1, 0):
        subjects.apply("contoso|a", offset, blocked(0))
    assert len(list(subjects.changed())) == 1
    subjects.restore(b"contoso|a", None)
    assert len(subjects) == 0


def test_too_large_a_share_of_bad_records_stops_the_partition() -> None:
    guard = DeadLetterGuard(TOPIC, 0, DeadLetterLimits(max_share=0.01, max_run=1000))
    bad = Raw(0, 0, b"k", b"{")
    for number in range(9_950):
        guard.letter(bad, kind="invalid", reason="") if number % 50 == 0 else guard.good()
    for _ in range(49):
        guard.good()
    with pytest.raises(TooManyDeadLetters) as stopped:
        guard.letter(bad, kind="invalid", reason="")
    assert stopped.value.limit == "200 bad records in the last 10000"


def test_a_dead_letter_keeps_its_bytes_only_where_the_policy_says_so() -> None:
    keeping = DeadLetterGuard(TOPIC, 0, DeadLetterLimits(keep_raw=True))
    letter = keeping.letter(Raw(3, 5, b"k", b"{"), kind="invalid", reason="json")
    assert (letter.offset, letter.timestamp, letter.key, letter.raw) == (3, 5, "k", "ew==")
    assert keeping.letter(Raw(4, 5, None, None), kind="invalid", reason="json").raw is None


def test_errors_name_the_place_and_no_content() -> None:
    assert "run one" in str(SecondWorker("group"))


def test_records_below_the_position_are_not_read_twice() -> None:
    one = intake()
    log = records([verdict(n) for n in range(5)])
    assert [chunk.offsets for chunk in one.chunks(log[:3])] == [[0, 1, 2]]
    assert [chunk.offsets for chunk in one.chunks(log)] == [[3, 4]]
