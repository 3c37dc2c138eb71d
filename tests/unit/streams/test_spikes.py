import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import REGISTRY
from series_records import FIRST_MINUTE, SERIES, SPIKE, STEP_MINUTES, count, state_of, watermark

from alerts.signal import Signal
from policy.category_spike import CategorySpikePolicy
from streams.detectors.category_spike import CategorySpike, SpikeState, StepCount
from streams.detectors.learnt_baseline import Past
from streams.series import SeriesCount
from streams.spikes import SeriesBook, Spikes, Track

PARTITIONS = 2
FIRST_STEP = FIRST_MINUTE // STEP_MINUTES
END = 1_000
"""Minutes after the start at which everything has been closed."""


def new() -> Spikes:
    return Spikes(SPIKE, partitions=PARTITIONS)


def fed(counts: Iterable[SeriesCount], spikes: Spikes | None = None) -> Spikes:
    spikes = new() if spikes is None else spikes
    for one in counts:
        spikes.count(one)
    return spikes


def book(spikes: Spikes, series: str = SERIES) -> SeriesBook:
    return state_of(spikes.changed(), f"n|{series}", SeriesBook)


def track(spikes: Spikes) -> Track:
    """The track of the five-minute steps, put together from its records."""
    records = list(spikes.changed())
    found = state_of(records, f"n|{SERIES}", SeriesBook).tracks[STEP_MINUTES]
    stored = dict(records).get(f"n|@h{STEP_MINUTES}|{SERIES}".encode())
    past = Past() if stored is None else msgspec.msgpack.decode(stored, type=Past)
    found.spike = replace(found.spike, baseline=replace(found.spike.baseline, past=past))
    return found


def spiking(minutes: int = 90, *, rise: int = 60, every: int = 1) -> list[SeriesCount]:
    """One or two blocks a minute from two sources, then many in the last ten minutes."""
    return [
        count(minute, rise if minute >= minutes - 10 else 1, source=source)
        for minute in range(0, minutes, every)
        for source in range(2)
    ]


def by_the_detector(counts: Iterable[SeriesCount], *, upto: int) -> tuple[SpikeState, list[Signal]]:
    """What the detector finds in the final totals when it is told every step, in order."""
    totals: dict[tuple[int, int], int] = {}
    for one in counts:
        slot = (one.minute, one.source)
        totals[slot] = max(totals.get(slot, 0), one.flagged)
    steps: dict[int, int] = {}
    for (minute, _), flagged in totals.items():
        steps[minute // STEP_MINUTES] = steps.get(minute // STEP_MINUTES, 0) + flagged
    state, signals = SPIKE.initial(SERIES), list[Signal]()
    for step in range(min(steps), min(max(steps) + 1, upto)):
        start = datetime.fromtimestamp(step * STEP_MINUTES * 60, UTC)
        state, found = SPIKE.step(state, StepCount(SERIES, start, steps.get(step, 0), PARTITIONS))
        signals.extend(found)
    return state, signals


def signal_ids(signals: Iterable[Signal]) -> set[str]:
    return {one.id for one in signals}


def test_a_spike_is_found_where_the_detector_finds_it() -> None:
    counts = spiking()
    spikes = fed(counts)
    state, expected = by_the_detector(counts, upto=FIRST_STEP + END)
    assert spikes.judge(watermark(END)) == expected != []
    assert track(spikes).spike == state


def test_quiet_steps_between_counts_are_zeros() -> None:
    counts = [count(0, 3), count(200, 3)]
    spikes = fed(counts)
    spikes.judge(watermark(END))
    assert track(spikes).spike == by_the_detector(counts, upto=FIRST_STEP + END)[0]


def test_minutes_of_one_step_and_their_sources_add_up() -> None:
    apart = fed([count(minute, 2, source=source) for minute in range(5) for source in range(2)])
    at_once = fed([count(0, 20)])
    for spikes in (apart, at_once):
        spikes.judge(watermark(5))
    assert track(apart).spike == track(at_once).spike


def test_a_step_stays_open_until_the_watermark_has_passed_its_end() -> None:
    spikes = fed([count(0, 1), count(5, 1)])
    spikes.judge(watermark(9.9))
    assert track(spikes).next_step == FIRST_STEP + 1
    spikes = fed([count(9, 2)], spikes)
    spikes.judge(watermark(10))
    assert track(spikes).next_step == FIRST_STEP + 2


def test_an_open_step_signals_before_it_closes_and_only_once() -> None:
    quiet, loud = [count(minute, 1) for minute in range(90)], [count(90, total) for total in range(10, 200, 10)]
    spikes = fed(quiet)
    spikes.judge(watermark(80))
    early = [spikes.judge(watermark(80)) for one in loud if not spikes.count(one)]
    found = [signal for signals in early for signal in signals]
    spikes.count(count(95, 0))
    closing = spikes.judge(watermark(100))
    expected = by_the_detector([*quiet, *loud], upto=FIRST_STEP + END)[1]
    assert found[-1].id == expected[-1].id
    assert closing == []
    assert len(signal_ids(found)) == len(found)


def test_a_count_for_a_closed_step_is_late() -> None:
    spikes = fed(spiking())
    spikes.judge(watermark(END))
    list(spikes.changed())
    before = REGISTRY.get_sample_value("watchfloor_late_counts_total") or 0.0
    spikes.count(count(40, 500))
    assert REGISTRY.get_sample_value("watchfloor_late_counts_total") == before + 1
    assert spikes.judge(watermark(END)) == []
    assert fed([count(89, 0)], spikes).changed() == []


def test_an_older_first_step_counts_as_long_as_nothing_was_closed() -> None:
    spikes = fed([count(30, 1), count(0, 1)])
    spikes.judge(watermark(END))
    assert track(spikes).spike == by_the_detector([count(30, 1), count(0, 1)], upto=FIRST_STEP + END)[0]


@pytest.mark.parametrize("closed_to", [0, END, 80_000])
def test_decades_of_silence_cost_nothing(closed_to: int) -> None:
    spikes = fed([count(0, 1), count(30 * 366 * 24 * 60, 1)])
    spikes.judge(watermark(closed_to))
    assert track(spikes).next_step <= FIRST_STEP + 30 * 366 * 24 * 12 + 1


def test_a_series_that_was_gone_for_longer_than_its_history_is_forgotten() -> None:
    spikes = fed(spiking())
    spikes.judge(watermark(END))
    list(spikes.changed())
    spikes.judge(watermark(END + 56 * 24 * 60))
    records = dict(spikes.changed())
    assert len(spikes) == 0
    assert records == {f"n|{SERIES}".encode(): None, f"n|@h5|{SERIES}".encode(): None}


def test_a_gap_is_judged_alike_whether_closed_at_once_or_in_parts() -> None:
    counts = [count(0, 4), count(15_000, 4), count(30_000, 4)]
    whole, parts = fed(counts), new()
    whole.judge(watermark(40_000))
    for one in counts:
        parts.count(one)
        parts.judge(watermark(40_000))
    assert track(whole).spike == track(parts).spike


def test_live_series_are_keys_times_partitions() -> None:
    few, many = fed(spiking()), fed(spiking())
    fed([count(0, 0, series=f"contoso|m{n}|azure.openai|hate|prompt") for n in range(1023)], many)
    thresholds = [
        next(
            one.statistic.threshold for one in spikes.judge(watermark(END)) if one.key == SERIES and one.level == "page"
        )
        for spikes in (few, many)
    ]
    assert len(many) == 1024
    assert thresholds[1] - thresholds[0] == pytest.approx(6.931, abs=0.001)  # ln 1024: K from 2 to 2048


def test_a_forgotten_series_starts_afresh() -> None:
    spikes = fed(spiking())
    spikes.restore(SERIES.encode(), None)
    assert len(spikes) == 0


TOTALS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=60, max_size=60)
RISES = st.tuples(st.integers(35, 59), st.integers(1, 40))


def published(totals: Sequence[tuple[int, int]], rise: tuple[int, int]) -> list[SeriesCount]:
    """Totals per minute of two sources, multiplied from some minute on."""
    start, times = rise
    return [
        count(minute, flagged * (times if minute >= start else 1), source=source)
        for minute, pair in enumerate(totals)
        for source, flagged in enumerate(pair)
    ]


def stuttering(counts: Sequence[SeriesCount], seed: int) -> list[SeriesCount]:
    """Every total after some smaller ones, repeated and in any order."""
    chance = random.Random(seed)
    all_sent = [count(one.minute - FIRST_MINUTE, part, source=one.source)
                for one in counts for part in (one.flagged, chance.randint(0, one.flagged), one.flagged)]  # fmt: skip
    chance.shuffle(all_sent)
    return all_sent


@settings(max_examples=40, deadline=None)
@given(totals=TOTALS, rise=RISES, seed=st.integers(0, 2**32))
def test_repeated_shuffled_and_older_totals_change_nothing(
    totals: list[tuple[int, int]], rise: tuple[int, int], seed: int
) -> None:
    counts = published(totals, rise)
    ordered, shuffled = fed(counts), fed(stuttering(counts, seed))
    assert ordered.judge(watermark(50)) == shuffled.judge(watermark(50))
    assert book(ordered) == book(shuffled)


@settings(max_examples=40, deadline=None)
@given(totals=TOTALS, rise=RISES, cuts=st.sets(st.integers(0, 118)), lag=st.integers(0, 30))
def test_looking_early_finds_what_closing_finds_or_its_ticket(
    totals: list[tuple[int, int]], rise: tuple[int, int], cuts: set[int], lag: int
) -> None:
    counts = published(totals, rise)
    early, spikes = list[Signal](), new()
    for place, one in enumerate(counts):
        spikes.count(one)
        if place in cuts:
            early.extend(spikes.judge(watermark(max(0, place // 2 - lag))))
    early.extend(spikes.judge(watermark(END)))
    state, closed = by_the_detector(counts, upto=FIRST_STEP + END)
    assert track(spikes).spike == state
    assert signal_ids(closed) <= signal_ids(early)
    paged = {one.at for one in closed if one.level == "page"}
    assert all(one.level == "ticket" and one.at in paged for one in early if one.id not in signal_ids(closed))


@settings(max_examples=40, deadline=None)
@given(totals=TOTALS, rise=RISES, cut=st.integers(1, 119))
def test_a_restart_changes_nothing(totals: list[tuple[int, int]], rise: tuple[int, int], cut: int) -> None:
    counts = published(totals, rise)
    one, first, second = new(), new(), new()
    fed(counts[:cut], one)
    fed(counts[:cut], first)
    before = one.judge(watermark(cut // 2 - 10))
    assert before == first.judge(watermark(cut // 2 - 10))
    for key, value in first.changed():
        second.restore(key.removeprefix(b"n|"), value)
    for spikes in (one, second):
        fed(counts[cut:], spikes)
    assert one.judge(watermark(END)) == second.judge(watermark(END))
    assert len(second) == 1


BOTH = CategorySpike(CategorySpikePolicy.model_validate({"steps": ["5m", "1h"], "cold_start": "30m"}), "p1")
SUM = "contoso|*|azure.openai|hate|prompt"


def two_lengths() -> Spikes:
    return Spikes(BOTH, partitions=PARTITIONS)


def test_every_step_length_has_a_track_and_shares_the_budget() -> None:
    one, two = fed(spiking()), fed(spiking(), two_lengths())
    (first, *_), (second, *_) = one.judge(watermark(END)), two.judge(watermark(END))
    assert second.statistic.threshold - first.statistic.threshold == pytest.approx(0.693, abs=0.001)
    assert sorted(book(two).tracks) == [5, 60]


@settings(max_examples=20, deadline=None)
@given(totals=TOTALS, cuts=st.sets(st.integers(0, 118)))
def test_hours_are_the_same_however_their_minutes_were_closed(totals: list[tuple[int, int]], cuts: set[int]) -> None:
    counts = [*published(totals, (59, 1)), count(200, 1)]
    whole, parts = fed(counts, two_lengths()), two_lengths()
    whole.judge(watermark(END))
    for place, one in enumerate(counts):
        parts.count(one)
        if place in cuts:
            parts.judge(watermark(place // 2))
    parts.judge(watermark(END))
    assert book(parts).tracks == book(whole).tracks


def test_a_sum_is_judged_when_its_step_is_closed() -> None:
    counts = [msgspec.structs.replace(one, series=SUM) for one in spiking()]
    spikes = fed(counts)
    early = spikes.judge(watermark(80))
    assert early == []
    spikes.count(msgspec.structs.replace(count(95, 0), series=SUM))
    assert {one.key for one in spikes.judge(watermark(END))} == {SUM}


def test_a_step_closes_though_nothing_more_is_counted() -> None:
    spikes = fed([count(0, 3)], two_lengths())
    spikes.judge(watermark(1))
    spikes.judge(watermark(60))
    found = book(spikes)
    assert (found.tracks[60].next_step, found.closed) == (FIRST_MINUTE // 60 + 1, FIRST_MINUTE + 60)
    spikes.count(count(59, 400))
    assert spikes.judge(watermark(61)) == []
    assert spikes.changed() == []


def test_an_early_page_tells_what_it_consists_of() -> None:
    spikes = fed([count(minute, 1) for minute in range(90)])
    spikes.judge(watermark(80))
    parts = {"subject": {"k1.evil": 290, "k1.a": 10}}
    spikes.count(msgspec.structs.replace(count(90, 300), parts=parts))
    signal = spikes.judge(watermark(80))[-1]
    assert signal.attribution is not None
    assert signal.attribution.kind == "campaign"


def test_a_record_of_an_earlier_version_is_passed_over() -> None:
    spikes, old = new(), msgspec.msgpack.encode(([[1, 2], [], False, 0, None], 7, {}, True, ["sig"]))
    spikes.restore(SERIES.encode(), old)
    assert len(spikes) == 0
    assert fed(spiking(), spikes).judge(watermark(END)) != []


def test_only_what_changed_is_written() -> None:
    spikes = fed(spiking(70))
    spikes.judge(watermark(50))
    assert len(list(spikes.changed())) > 2
    spikes.count(count(70, 9))
    spikes.judge(watermark(50))
    assert [key for key, _ in spikes.changed()] == [f"n|@m{FIRST_MINUTE + 70}|{SERIES}".encode()]
