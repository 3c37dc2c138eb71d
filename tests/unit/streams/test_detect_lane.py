import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from series_records import SCORES, SERIES, count, ids, logged, mark, score
from stream_records import Raw, in_batches, reopened, sent

from broker.bulk import Outgoing
from events.topics import SERIES_COUNTS, SERIES_SCORES, SIGNALS
from policy.policy import Policy
from policy.version import LoadedPolicy, version_of
from streams.detect import DetectLane
from streams.lane import Source
from streams.series import Published

COUNTS, SCORED = SERIES_COUNTS.name, SERIES_SCORES.name


def policy(*, spikes: bool = True, drifts: bool = True) -> LoadedPolicy:
    detectors = {
        "category_spike": {"steps": ["5m"], "cold_start": "30m", "enabled": spikes},
        "groundedness_drift": {"reference_size": 50, "false_alarm_every": 100, "enabled": drifts},
    }
    document = Policy.model_validate({"name": "test", "author": "test", "detectors": detectors})
    return LoadedPolicy(document, version_of(document), source="test")


POLICY = policy()


def new(loaded: LoadedPolicy = POLICY) -> DetectLane:
    return DetectLane(1, policy=loaded, partitions=2)


def counts(minutes: int = 90) -> list[Published]:
    """Two sources, a spike at the end; each follows its count of a minute with its watermark."""
    log = list[Published]()
    for minute in range(minutes):
        for source in range(2):
            log.append(count(minute, 60 if minute >= minutes - 10 else 1, source=source))
            log.append(mark(max(0, minute - 10), source=source))
    return log


def scores(many: int = 100) -> list[Published]:
    """Two sources, a fall after the reference; each follows its score with its watermark."""
    log = list[Published]()
    for n in range(many):
        log.append(score(6 * n, 0.9 if n < 60 else 0.2, offset=n // 2, source=n % 2))
        log.append(mark(max(0.0, n / 10 - 1), source=n % 2))
    return [*log, mark(1_000, source=0), mark(1_000, source=1)]


def test_a_spike_is_signalled_under_its_series() -> None:
    lane = new()
    lane.apply(COUNTS, logged(counts()))
    signals = sent(lane.drain(0.0), SIGNALS.name)
    assert {one.key for one in signals} == {SERIES.encode()}
    assert {msgspec.json.decode(one.value or b"")["detector"] for one in signals} == {"category_spike"}


def test_a_fall_of_scores_is_signalled_under_its_series() -> None:
    lane = new()
    lane.apply(SCORED, logged(scores()))
    signals = sent(lane.drain(0.0), SIGNALS.name)
    assert {one.key for one in signals} == {SCORES.encode()}


def test_the_watermarks_of_the_topics_are_apart() -> None:
    lane = new()
    lane.apply(COUNTS, logged([mark(10_000), mark(10_000, source=1)]))
    lane.apply(SCORED, logged([*scores()[:-2]][::2]))
    assert sent(lane.drain(0.0), SIGNALS.name) == []


@pytest.mark.parametrize(("topic", "log"), [(COUNTS, counts()), (SCORED, scores())])
def test_a_detector_that_is_off_keeps_nothing(topic: str, log: list[Published]) -> None:
    lane = new(policy(spikes=False, drifts=False))
    lane.apply(topic, logged(log))
    flush = lane.drain(0.0)
    assert flush.outputs == ()
    assert {(one.key or b"")[:2] for one in flush.state} == {b"p|"}


def test_a_detector_turned_off_judges_nothing_that_was_waiting() -> None:
    before = new()
    before.apply(SCORED, logged(scores()[:-2]))
    lane = reopened(new(policy(drifts=False)), before.drain(0.0).state)
    lane.apply(SCORED, logged([mark(1_000, source=0), mark(1_000, source=1)], start=200))
    assert lane.drain(0.0).outputs == ()


def test_a_flush_names_the_next_offset_of_what_was_read() -> None:
    lane = new()
    lane.apply(COUNTS, logged([count(0, 1)], start=41))
    assert lane.drain(0.0).offsets == {Source(COUNTS, 1): 42}
    assert lane.drain(0.1).empty


def test_deleted_and_repeated_records_are_passed_over() -> None:
    lane = new()
    lane.apply(COUNTS, [Raw(0, 0, b"k", None), *logged([count(0, 1)], start=1)])
    lane.drain(0.0)
    lane.apply(COUNTS, logged([count(0, 7)], start=1))
    assert lane.position[Source(COUNTS, 1)] == 2
    assert [one.key for one in lane.drain(0.0).state] == [b"p|series-counts", b"p|series-scores"]


def test_forgotten_states_are_forgotten_on_restore() -> None:
    lane = new()
    lane.apply(COUNTS, logged(counts(5)))
    lane.apply(SCORED, logged(scores(5)))
    state = lane.drain(0.0).state
    gone = [Outgoing(one.topic, one.key, None) for one in state]
    other = [Outgoing("detect-state", b"?|unknown", b"")]
    lane = new()
    reopened(lane, [*state, *gone, *other])
    assert (len(lane.spikes), len(lane.drifts)) == (0, 0)


def judged(log: Sequence[Raw], cuts: Sequence[int], *, topic: str, kept: Sequence[int] | None = None) -> set[str]:
    """The ids of all signals; with `kept`, after every batch a crash that lets a prefix of the state through."""
    lane, found, state = new(), set[str](), list[Outgoing]()
    for number, batch in enumerate(in_batches(log, cuts)):
        start = lane.position.get(Source(topic, 1), 0)
        lane.apply(topic, [one for one in log if start <= one.offset <= batch[-1].offset])
        flush = lane.drain(0.0)
        found |= set(ids(sent(flush, SIGNALS.name)))
        if kept is not None:
            state.extend(flush.state[: kept[number % len(kept)] % (len(flush.state) + 1)] if kept else flush.state)
            lane = new()
            reopened(lane, state)
    start = lane.position.get(Source(topic, 1), 0)
    lane.apply(topic, [one for one in log if start <= one.offset])
    return found | set(ids(sent(lane.drain(0.0), SIGNALS.name)))


CUTS = st.lists(st.integers(0, 10_000), max_size=8)


@settings(max_examples=25, deadline=None)
@given(cuts=CUTS, kept=CUTS)
def test_batches_and_crashes_change_no_drift_signal(cuts: list[int], kept: list[int]) -> None:
    log = logged(scores())
    assert (
        judged(log, [], topic=SCORED) == judged(log, cuts, topic=SCORED) == judged(log, cuts, topic=SCORED, kept=kept)
    )


@settings(max_examples=25, deadline=None)
@given(cuts=CUTS, kept=CUTS)
def test_batches_and_crashes_lose_no_spike_signal(cuts: list[int], kept: list[int]) -> None:
    log = logged(counts())
    whole = judged(log, [], topic=COUNTS)
    assert whole
    assert whole <= judged(log, cuts, topic=COUNTS)
    assert whole <= judged(log, cuts, topic=COUNTS, kept=kept)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_repeated_and_older_totals_within_a_source_change_no_signal(seed: int) -> None:
    chance = random.Random(seed)
    totals = [one for one in counts() if not isinstance(one, type(mark(0)))]
    again: list[Any] = [*totals, *chance.sample(totals, 60), *(count(minute, 0) for minute in range(0, 90, 7))]
    chance.shuffle(again)
    ends = [mark(1_000, source=0), mark(1_000, source=1)]
    expected = judged(logged([*totals, *ends]), [], topic=COUNTS)
    assert judged(logged([*again, *ends]), [], topic=COUNTS) == expected
