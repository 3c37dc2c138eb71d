from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_records import START, SUBJECTS, Raw, blocked, in_batches, record, records, reopened, sent, verdict

from events import FilterVerdict
from events.topics import BOOKS, DEAD_LETTERS, FILTER_VERDICTS, REQUEST_LOGS, SERIES_COUNTS, SERIES_SCORES, SIGNALS
from policy import LoadedPolicy, load_policy
from streams import series
from streams.books import Books
from streams.errors import TooManyDeadLetters
from streams.lane import Flush, Source
from streams.observe import ObserveLane

VERDICTS = FILTER_VERDICTS.name
Make = Callable[[], ObserveLane]


@pytest.fixture(scope="module")
def policy() -> LoadedPolicy:
    return load_policy("azure-default")


@pytest.fixture
def make(policy: LoadedPolicy) -> Make:
    return lambda: ObserveLane(3, policy=policy, partitions=4)


def signal_ids(flush: Flush) -> set[str]:
    return {msgspec.json.decode(one.value or b"")["id"] for one in sent(flush, SIGNALS.name)}


def totals(flush: Flush) -> dict[tuple[str, int], tuple[int, int, int]]:
    found = {}
    for one in sent(flush, SERIES_COUNTS.name):
        count = series.DECODE(one.value or b"")
        if isinstance(count, series.SeriesCount) and "*" not in count.series:
            found[count.series, count.minute] = (count.evaluated, count.flagged, count.blocked)
    return found


def books(flush: Flush, topic: str = VERDICTS) -> Books:
    decoded = [msgspec.json.decode(one.value or b"", type=Books) for one in sent(flush, BOOKS.name)]
    return next(one for one in reversed(decoded) if one.topic == topic)


def offender(count: int = 30) -> list[FilterVerdict]:
    """Every other request blocked, ten minutes apart, so that each counts."""
    gap = timedelta(minutes=10)
    return [(blocked if n % 2 else verdict)(n, at=START + n * gap) for n in range(count)]


def test_an_offender_is_signalled_with_evidence(make: Make) -> None:
    lane = make()
    lane.apply(VERDICTS, records(offender()))
    flush = lane.drain(0.0)
    levels = [msgspec.json.decode(one.value or b"")["level"] for one in sent(flush, SIGNALS.name)]
    assert levels[:3] == ["review", "restrict", "block"]
    assert all(one.key == f"contoso|{SUBJECTS[0]}".encode() for one in sent(flush, SIGNALS.name))


def test_totals_count_evaluated_flagged_and_blocked_per_minute(make: Make) -> None:
    lane = make()
    events = [verdict(0), blocked(1), verdict(2, state="detected", severity=1), verdict(3, state="filter_error")]
    lane.apply(VERDICTS, records(events))
    name = "contoso|gpt-4o|azure.openai|hate|prompt"
    assert totals(lane.drain(0.0)) == {(name, int(START.timestamp() // 60)): (3, 2, 1)}


def test_totals_grow_and_never_restart_between_flushes(make: Make) -> None:
    lane = make()
    log = records([blocked(n) for n in range(4)])
    lane.apply(VERDICTS, log[:2])
    first = totals(lane.drain(0.0))
    lane.apply(VERDICTS, log[2:])
    second = totals(lane.drain(0.0))
    assert [next(iter(one.values()))[2] for one in (first, second)] == [2, 4]


def test_a_flush_without_news_is_empty(make: Make) -> None:
    lane = make()
    lane.apply(VERDICTS, records([verdict(0)]))
    lane.drain(0.0)
    assert lane.drain(0.1).empty


def test_a_repeated_event_id_is_a_duplicate(make: Make) -> None:
    lane = make()
    event = blocked(0)
    lane.apply(VERDICTS, [record(0, event), record(1, event), record(2, verdict(1))])
    flush = lane.drain(0.0)
    assert (books(flush).applied, books(flush).duplicate) == (2, 1)
    assert sum(one[2] for one in totals(flush).values()) == 1


def test_an_event_behind_the_watermark_is_late(make: Make) -> None:
    lane = make()
    late = blocked(1, at=START - timedelta(minutes=10, seconds=1))
    edge = blocked(2, at=START - timedelta(minutes=10))
    lane.apply(VERDICTS, [record(0, verdict(0)), record(1, late, arrived=START), record(2, edge, arrived=START)])
    ours = books(lane.drain(0.0))
    assert (ours.applied, ours.late) == (2, 1)


def test_an_event_from_the_future_is_set_aside(make: Make) -> None:
    lane = make()
    lane.apply(VERDICTS, [record(0, verdict(0, at=START + timedelta(minutes=5, seconds=1)), arrived=START)])
    flush = lane.drain(0.0)
    letter = msgspec.json.decode(sent(flush, DEAD_LETTERS.name)[0].value or b"")
    assert (letter["kind"], letter["offset"], books(flush).dead) == ("future", 0, 1)


@pytest.mark.parametrize("value", [b"", b"{", b"null", b'{"v":1}', b"\xff\xfe", b"[1,2"])
def test_an_unreadable_record_is_set_aside_without_its_content(make: Make, value: bytes) -> None:
    lane = make()
    lane.apply(VERDICTS, [Raw(0, 0, b"contoso|secret", value), record(1, verdict(1))])
    flush = lane.drain(0.0)
    letter = sent(flush, DEAD_LETTERS.name)[0].value or b""
    assert books(flush).applied == 1
    assert b"secret" not in letter
    assert b"raw" not in letter


def test_nothing_but_bad_records_stops_the_lane_where_it_stands(make: Make) -> None:
    lane = make()
    good, bad = records([verdict(0)]), [Raw(offset, 0, b"k", b"{") for offset in range(1, 3000)]
    with pytest.raises(TooManyDeadLetters) as stopped:
        lane.apply(VERDICTS, [*good, *bad])
    assert lane.position[Source(VERDICTS, 3)] == stopped.value.offset == 1001


def test_a_stopped_lane_stops_again_after_a_restart(make: Make) -> None:
    lane = make()
    bad = [Raw(offset, 0, b"k", b"{") for offset in range(3000)]
    with pytest.raises(TooManyDeadLetters):
        lane.apply(VERDICTS, bad)
    successor = reopened(make(), lane.drain(0.0).state)
    with pytest.raises(TooManyDeadLetters) as stopped:
        successor.apply(VERDICTS, bad)
    assert stopped.value.offset == 1000


def test_one_percent_of_bad_records_loses_no_good_one(make: Make) -> None:
    lane = make()
    log = [Raw(n, 0, b"k", b"{") if n % 100 == 7 else record(n, verdict(n)) for n in range(30_000)]
    lane.apply(VERDICTS, log)
    ours = books(lane.drain(0.0))
    assert (ours.applied, ours.dead, ours.balanced) == (29_700, 300, True)


def test_scores_go_to_their_own_topic_and_count_against_nobody(make: Make) -> None:
    lane = make()
    score = verdict(
        0, stage="completion", category="ungrounded", provider_category="groundedness", severity=None, score=0.25,
        score_kind="grounded_score", filter="judge", filter_version="2", deployment="chat-eu",
    )  # fmt: skip
    lane.apply(VERDICTS, records([score]))
    flush = lane.drain(0.0)
    (first, *_) = sent(flush, SERIES_SCORES.name)
    decoded = series.DECODE(first.value or b"")
    assert isinstance(decoded, series.SeriesScore)
    assert (decoded.series, decoded.value, decoded.source) == ("contoso|gpt-4o|chat-eu|groundedness|judge|2", 0.25, 3)
    assert totals(flush) == {}


def test_request_logs_are_booked_and_validated(make: Make) -> None:
    lane = make()
    lane.apply(REQUEST_LOGS.name, [Raw(0, 0, b"k", b"{}")])
    assert books(lane.drain(0.0), REQUEST_LOGS.name).dead == 1


def test_a_silent_partition_says_once_that_it_is_idle(make: Make) -> None:
    lane = make()
    lane.apply(VERDICTS, records([verdict(0)]))
    lane.drain(10.0)
    quiet = [lane.drain(now) for now in (12.0, 15.1, 16.0)]
    marks = [series.DECODE(one.value or b"") for flush in quiet for one in sent(flush, SERIES_COUNTS.name)]
    assert [mark.idle for mark in marks if isinstance(mark, series.Watermark)] == [True] * 4


def run(make: Make, log: list[Raw], cuts: list[int]) -> tuple[set[str], dict[Any, Any], Books]:
    lane, ids, counts, flush = make(), set[str](), dict[Any, Any](), None
    for batch in in_batches(log, cuts):
        lane.apply(VERDICTS, batch)
        flush = lane.drain(0.0)
        ids |= signal_ids(flush)
        counts |= totals(flush)
    assert flush is not None
    return ids, counts, books(flush)


def crashed(make: Make, log: list[Raw], cuts: list[int], kept: list[int]) -> tuple[set[str], dict[Any, Any], Books]:
    """As `run`, but after every flush only a prefix of its state records reaches the log, and a successor re-reads."""
    lane, ids, counts, state = make(), set[str](), dict[Any, Any](), []
    for number, batch in enumerate(in_batches(log, cuts)):
        lane.apply(VERDICTS, batch)
        flush = lane.drain(0.0)
        ids |= signal_ids(flush)
        state.extend(flush.state[: kept[number % len(kept)] % (len(flush.state) + 1)] if kept else flush.state)
        lane = reopened(make(), state)
        start = lane.intakes[VERDICTS].books.next_offset
        lane.apply(VERDICTS, [one for one in log if start <= one.offset <= batch[-1].offset])
        again = lane.drain(0.0)
        ids |= signal_ids(again)
        counts |= totals(flush) | totals(again)
        state.extend(again.state)
    return ids, counts, books(again)


EVENTS = st.lists(
    st.builds(
        lambda number, subject, bad, shift: (blocked if bad else verdict)(
            number, subject=SUBJECTS[subject], at=START + timedelta(minutes=number, seconds=shift)
        ),
        number=st.integers(0, 40),
        subject=st.integers(0, 2),
        bad=st.booleans(),
        shift=st.integers(-900, 900),
    ),
    min_size=1,
    max_size=60,
)
CUTS = st.lists(st.integers(0, 1000), max_size=6)


@settings(max_examples=60, deadline=None)
@given(events=EVENTS, cuts=CUTS)
def test_batching_changes_nothing(policy: LoadedPolicy, events: list[FilterVerdict], cuts: list[int]) -> None:
    log = [record(n, event, arrived=event.at) for n, event in enumerate(events)]

    def make() -> ObserveLane:
        return ObserveLane(3, policy=policy, partitions=4)

    assert run(make, log, cuts) == run(make, log, [])


@settings(max_examples=60, deadline=None)
@given(events=EVENTS, cuts=CUTS, kept=st.lists(st.integers(0, 1000), max_size=6))
def test_a_crash_after_any_prefix_of_a_flush_changes_nothing(
    policy: LoadedPolicy, events: list[FilterVerdict], cuts: list[int], kept: list[int]
) -> None:
    log = [record(n, event, arrived=event.at) for n, event in enumerate(events)]

    def make() -> ObserveLane:
        return ObserveLane(3, policy=policy, partitions=4)

    assert crashed(make, log, cuts, kept) == run(make, log, [])


@settings(max_examples=40, deadline=None)
@given(events=EVENTS)
def test_the_books_balance(policy: LoadedPolicy, events: list[FilterVerdict]) -> None:
    lane = ObserveLane(3, policy=policy, partitions=4)
    lane.apply(VERDICTS, [record(n, event, arrived=event.at) for n, event in enumerate(events)])
    ours = books(lane.drain(0.0))
    assert ours.balanced
    assert ours.read == len(events)
