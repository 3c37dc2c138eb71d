import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from series_records import DRIFT, SCORES, score, state_of, watermark

from alerts.signal import Signal
from streams.detectors.groundedness_drift import Score
from streams.drifts import Drifts, ScoreBook
from streams.series import SeriesScore

END = watermark(10_000)


def new() -> Drifts:
    return Drifts(DRIFT)


def fed(scores: Iterable[SeriesScore], drifts: Drifts | None = None) -> Drifts:
    drifts = new() if drifts is None else drifts
    for one in scores:
        drifts.score(one)
    return drifts


def book(drifts: Drifts, series: str = SCORES) -> ScoreBook:
    return state_of(drifts.changed(), f"d|{series}", ScoreBook)


def falling(good: int = 60, bad: int = 40) -> list[SeriesScore]:
    """A score a second, from two sources in turn: grounded, then not."""
    return [score(n, 0.9 if n < good else 0.2, offset=n // 2 + 7, source=n % 2) for n in range(good + bad)]


def by_the_detector(scores: Iterable[SeriesScore]) -> list[Signal]:
    state, signals = DRIFT.initial(SCORES), list[Signal]()
    for one in sorted(scores, key=lambda one: (one.at, one.event_id)):
        state, found = DRIFT.step(
            state, Score(one.series, one.event_id, datetime.fromtimestamp(one.at, UTC), one.value)
        )
        signals.extend(found)
    return signals


def merged(one: Sequence[SeriesScore], other: Sequence[SeriesScore], seed: int) -> list[SeriesScore]:
    """Both, each in its own order."""
    chance, waiting, arrived = random.Random(seed), [list(one), list(other)], list[SeriesScore]()
    while any(waiting):
        arrived.append(chance.choice([queue for queue in waiting if queue]).pop(0))
    return arrived


def test_a_fall_is_found_where_the_detector_finds_it() -> None:
    scores = falling()
    assert fed(scores).judge(END) == by_the_detector(scores) != []


def test_nothing_is_judged_before_the_watermark_has_passed_it() -> None:
    drifts = fed([score(0, 0.9, offset=0), score(60, 0.9, offset=1)])
    drifts.judge(watermark(1))
    waiting = book(drifts)
    assert (waiting.drift.scores, len(waiting.pending)) == (1, 1)


def test_a_judgement_without_anything_ready_changes_nothing() -> None:
    drifts = fed([score(60, 0.9, offset=1)])
    book(drifts)
    assert drifts.judge(watermark(0)) == []
    assert drifts.changed() == []


def test_an_offset_that_its_source_has_passed_is_a_repetition() -> None:
    drifts = fed([score(0, 0.9, offset=5), score(1, 0.1, offset=5), score(2, 0.1, offset=4)])
    fed([score(3, 0.8, offset=4, source=1)], drifts)
    assert [value for _, _, value in book(drifts).pending] == [0.9, 0.8]


def test_a_repetition_after_the_judgement_is_one_too() -> None:
    drifts = fed(falling())
    drifts.judge(END)
    before = book(drifts)
    assert fed(falling(), drifts).judge(END) == []
    assert drifts.changed() == []
    assert before.pending == []


def test_what_waits_is_bounded_and_its_oldest_is_judged_early() -> None:
    longest = "s" + "x" * 127
    scores = [SeriesScore(SCORES, longest, float(n), 0.5, 0, n) for n in range(4_100)]
    drifts = fed(scores)
    drifts.judge(0.0)
    ((_, value),) = drifts.changed()
    assert len(value or b"") < 1 << 20
    drifts = fed(scores)
    drifts.judge(0.0)
    kept = book(drifts)
    assert [len(kept.pending), kept.drift.scores, kept.pending[0][0]] == [4_000, 50, 100.0]


def test_a_forgotten_series_starts_afresh() -> None:
    drifts = fed(falling())
    drifts.restore(SCORES.encode(), None)
    assert len(drifts) == 0


def test_series_do_not_wait_for_each_other() -> None:
    drifts = fed([score(0, 0.9, offset=0), score(60, 0.9, offset=1, series="contoso|m|-|relevance|judge|-")])
    drifts.judge(watermark(1))
    assert book(drifts).pending == []


@settings(max_examples=40, deadline=None)
@given(good=st.integers(50, 80), bad=st.integers(0, 40), seed=st.integers(0, 2**32))
def test_the_arrival_order_of_sources_changes_nothing(good: int, bad: int, seed: int) -> None:
    scores = falling(good, bad)
    arrived = merged(scores[::2], scores[1::2], seed)
    ordered, mixed = fed(scores), fed(arrived)
    assert ordered.judge(END) == mixed.judge(END)
    assert book(ordered) == book(mixed)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), cuts=st.sets(st.integers(0, 99), max_size=8), again=st.integers(0, 99))
def test_judging_on_the_way_restarts_and_repetitions_change_nothing(seed: int, cuts: set[int], again: int) -> None:
    scores = falling()
    arrived = merged(scores[::2], scores[1::2], seed)
    drifts, found = new(), list[Signal]()
    for place, one in enumerate(arrived):
        drifts.score(one)
        if place in cuts:
            missing = [late.at for late in arrived[place + 1 :]]
            found.extend(drifts.judge(min(missing, default=END)))
            successor = new()
            for key, value in drifts.changed():
                successor.restore(key.removeprefix(b"d|"), value)
            drifts = fed(arrived[again : place + 1], successor) if len(successor) else drifts
    found.extend(drifts.judge(END))
    assert found == by_the_detector(scores)
