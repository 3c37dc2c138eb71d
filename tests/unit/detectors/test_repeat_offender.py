"""Offenders are found after a handful of violations, and hardly anybody else."""

import sys
from datetime import timedelta
from itertools import pairwise
from math import log
from typing import Any

import msgspec
import numpy as np
import pytest
from detector_traffic import OFFENDER, START, SUBJECT, VerdictStub, requests, run, verdict
from hypothesis import given
from hypothesis import strategies as st

from alerts.signal import Signal
from events import Category, FilterVerdict, Stage, State
from policy.policy import Care
from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.offender_state import Case, OffenderState
from streams.detectors.repeat_offender import RepeatOffender

BY_RATE_ALONE = RepeatOffender(RepeatOffenderPolicy(turned_at=1e300), Care(), "p1")
"""No second path: its bound is out of reach."""
BY_SESSION = RepeatOffender(RepeatOffenderPolicy(), Care(), "p1", scope="session")


def _blocked(number: int, minutes: float, **changes: object) -> VerdictStub:
    return verdict(number, minutes, state="blocked", **changes)


def _spree(count: int, first: int = 0, **changes: object) -> list[VerdictStub]:
    """Blocked requests ten minutes apart, nothing else."""
    return [_blocked(i, 10 * i, **changes) for i in range(first, first + count)]


def _restrict(signals: list[Signal]) -> list[Signal]:
    return [signal for signal in signals if signal.level != "review"]


@pytest.mark.parametrize(
    ("per_day", "rate", "violations"),
    [(20, 0.5, 7), (40, 0.9, 7), (30, 0.15, 11), (3, 0.3, 12)],
    ids=["half of all", "burst", "every seventh", "low and slow"],
)
def test_an_offender_is_found_after_a_handful_of_violations(per_day: float, rate: float, violations: int) -> None:
    found = []
    for seed in range(15):
        _, signals = run(OFFENDER, requests(seed, days=40, per_day=per_day, rate=rate))
        numbers = _restrict(signals)[0].numbers
        assert numbers is not None
        found.append(numbers.count)
    assert 3 <= np.median(found) <= violations


def test_an_account_that_turns_is_found() -> None:
    _, before = run(OFFENDER, requests(3, days=10, per_day=30, rate=0.005))
    state, _ = run(OFFENDER, requests(3, days=10, per_day=30, rate=0.005))
    turned = [
        msgspec.structs.replace(e, request_id=f"t{i}", event_id=f"t{i}", at=e.at + timedelta(days=10))
        for i, e in enumerate(requests(4, days=5, per_day=30, rate=0.3))
    ]
    _, signals = run(OFFENDER, turned, state)
    _, slower = run(BY_RATE_ALONE, turned, state)
    assert _restrict(before) == []
    assert _restrict(signals)[0].at - START < timedelta(days=11)
    assert _restrict(signals)[0].at < _restrict(slower)[0].at


def test_grave_violations_are_found_where_their_number_is_permitted() -> None:
    """One request in a hundred is blocked, but each time with high severity."""
    events = [_blocked(i, 10 * i, severity=3) if i % 100 == 99 else verdict(i, 10 * i) for i in range(4000)]
    assert run(BY_RATE_ALONE, events)[1] == []
    signal = run(OFFENDER, events)[1][0]
    assert (signal.level, signal.statistic.name) == ("restrict", "ln mixture e-CUSUM")
    assert signal.statistic.value >= signal.statistic.threshold == log(1e6)
    mild = [msgspec.structs.replace(event, severity=1) for event in events]
    assert run(OFFENDER, mild)[1] == []


def test_a_signal_of_the_second_path_says_how_much_more_likely_and_how_uncertain_the_rate_is() -> None:
    signal = run(OFFENDER, [verdict(i, i) for i in range(200)] + _spree(8, first=200, severity=2))[1][0]
    assert signal.statistic.name == "ln mixture e-CUSUM"
    assert "of your 207 requests were blocked (violence 7; mean severity 2.0 of 3), " in signal.words
    assert "which puts your mean blocked rate between 0.641 % and 8.51 % (95 %, whenever one looks)." in signal.words
    assert "times more likely of somebody who keeps triggering blocks" in signal.words
    assert "the bound is 1,000,000 times" in signal.words


def test_hardly_any_of_two_thousand_benign_people_is_restricted() -> None:
    rng = np.random.default_rng(17)
    restricted = 0
    for _ in range(2000):
        per_day = min(float(rng.lognormal(np.log(15), 1.3)), 300.0)
        rate = min(float(rng.gamma(0.5, 0.01)), 0.02)
        count = rng.poisson(7 * per_day)
        blocked = np.flatnonzero(rng.random(count) < rate)
        restricted += bool(_restrict(_week(blocked, count)))
    assert restricted <= 2


def _week(blocked: np.ndarray, count: int) -> list[Signal]:
    """A week of `count` evenly spread requests; those after the last block can raise nothing and are left out."""
    if not len(blocked):
        return []
    minutes = 7 * 1440 / count
    hits = set(blocked.tolist())
    events = (verdict(i, i * minutes, state="blocked" if i in hits else "clean") for i in range(int(blocked[-1]) + 1))
    return run(OFFENDER, events)[1]


def test_both_paths_make_one_sequence_of_levels() -> None:
    """Who is restricted by one path is not restricted again by the other."""
    _, signals = run(OFFENDER, _spree(22))
    told = [(signal.level, signal.numbers.count) for signal in signals if signal.numbers]
    assert [level for level, _ in told[:2]] == ["restrict", "block"]
    assert {later - earlier for (_, earlier), (_, later) in pairwise(told[1:])} == {5}


def test_levels_are_told_once_each_and_again_after_every_fifth_violation() -> None:
    _, signals = run(BY_RATE_ALONE, _spree(22))
    told = [(signal.level, signal.numbers.count) for signal in signals if signal.numbers]
    assert [level for level, _ in told[:3]] == ["review", "restrict", "block"]
    assert told[2][1] >= 5
    assert all(level == "block" for level, _ in told[2:])
    assert {later - earlier for (_, earlier), (_, later) in pairwise(told[2:])} == {5}


def test_a_block_needs_distinct_violations_however_certain_the_posterior() -> None:
    eager = RepeatOffender(
        RepeatOffenderPolicy(prior_requests=20, prior_violations=5, block_min_violations=9), Care(), "p1"
    )
    _, signals = run(eager, _spree(12))
    assert next(s.numbers.count for s in signals if s.level == "block" and s.numbers) == 9


def test_a_level_is_told_again_after_it_faded() -> None:
    state, first = run(BY_RATE_ALONE, _spree(8))
    months_later = [_blocked(100 + i, 120 * 1440 + 10 * i) for i in range(8)]
    _, second = run(BY_RATE_ALONE, months_later, state)
    assert {"review", "restrict"} <= {signal.level for signal in first}
    assert [signal.level for signal in second[:2]] == ["review", "restrict"]


@pytest.mark.parametrize(
    "changes",
    [
        {"category": "self_harm"},
        {"category": "sexual_minors"},
        {"category": "prompt_attack_indirect"},
        {"stage": "document"},
        {"stage": "tool"},
        {"category": "ungrounded"},
        {"state": "detected"},
        {"state": "masked"},
        {"state": "filter_error"},
    ],
    ids=lambda changes: "-".join(changes.values()),
)
def test_what_is_not_the_persons_violation_never_strikes(changes: dict[str, str]) -> None:
    events = [msgspec.structs.replace(event, **changes) for event in _spree(50)]
    state, signals = run(OFFENDER, events)
    assert signals == []
    assert state.case is None


def test_requests_are_counted_once_however_many_verdicts_they_have() -> None:
    events = [verdict(i, i, event_id=f"{i}:{c}", category=c) for i in range(30) for c in ("hate", "violence", "sexual")]
    interleaved = [*events[:9:3], *events[1:9:3], *events[2:9:3]]
    assert run(OFFENDER, events)[0].requests == 30
    assert run(OFFENDER, interleaved)[0].requests == 3


def test_a_request_that_no_filter_judged_is_no_exposure() -> None:
    assert run(OFFENDER, [verdict(i, i, state="not_evaluated") for i in range(9)])[0] == OffenderState()


def test_hits_of_one_conversation_count_once_within_the_gap() -> None:
    events = [_blocked(i, i, session="k1.s") for i in range(10)]
    assert run(OFFENDER, events)[0].case.violations == 2
    elsewhere = [_blocked(i, i / 10, session=f"k1.s{i}") for i in range(5)]
    assert run(OFFENDER, elsewhere)[0].case.violations == 5


def test_a_request_blocked_in_two_categories_is_one_violation_in_both() -> None:
    events = [_blocked(i // 2, 10 * (i // 2), event_id=f"e{i}", category=("hate", "violence")[i % 2]) for i in range(4)]
    case = run(OFFENDER, events)[0].case
    assert case.violations == 2
    assert dict(case.categories) == {"hate": 2, "violence": 2}


def test_a_request_is_one_violation_however_its_verdicts_are_interleaved() -> None:
    kinds = ("hate", "violence", "sexual")
    one_by_one = [_blocked(i, 0, session=f"k1.s{i}", category=kind) for i in range(3) for kind in kinds]
    interleaved = [*one_by_one[::3], *one_by_one[1::3], *one_by_one[2::3]]
    state = run(OFFENDER, interleaved)[0]
    assert (state.requests, state.case.violations, state.case.turn.repeated) == (3, 3, 0)
    assert dict(state.case.categories) == {"hate": 3, "violence": 3, "sexual": 3}


def test_a_completion_can_make_a_blocked_request_graver() -> None:
    events = [_blocked(1, 0, severity=1), _blocked(1, 0, severity=3, stage="completion", event_id="c")]
    case = run(OFFENDER, events)[0].case
    assert (case.violations, case.severity, case.evidence) == (1, 3, ("c",))
    assert case.stages == ("prompt", "completion")


@pytest.mark.parametrize(
    ("hashes", "varied"),
    [(("a", "a", "a"), 0), (("a", "b", "c"), 2), ((None, None, None), 0), (("a", None, "b"), 0)],
    ids=["retries", "variations", "unknown", "interrupted"],
)
def test_variations_after_a_block_are_intent_and_retries_are_not(hashes: tuple[str | None, ...], varied: int) -> None:
    events = [_blocked(i, 6 * i, prompt_hash=value and value * 16) for i, value in enumerate(hashes)]
    case = run(OFFENDER, events)[0].case
    assert (case.violations, case.varied) == (3, varied)


def test_a_variation_long_after_the_block_is_a_new_topic() -> None:
    events = [_blocked(i, 11 * i, prompt_hash=f"{i}" * 16) for i in range(3)]
    assert run(OFFENDER, events)[0].case.varied == 0


def test_variations_inside_the_gap_mark_the_violation_they_repeat_once() -> None:
    events = [_blocked(i, i / 2, prompt_hash=f"{i}" * 16) for i in range(5)]
    case = run(OFFENDER, events)[0].case
    assert (case.violations, case.varied) == (1, 1)


def test_a_request_is_as_grave_as_the_gravest_of_its_verdicts() -> None:
    def both(*severities: int | None) -> Case:
        kinds = ("hate", "violence", "sexual")
        events = [
            _blocked(1, 0, event_id=f"e{i}", category=kinds[i], severity=severity)
            for i, severity in enumerate(severities)
        ]
        return run(OFFENDER, events)[0].case

    rising, falling = both(1, None, 3), both(3, None, 1)
    assert (rising.violations, rising.severity) == (falling.violations, falling.severity) == (1, 3)
    assert rising.turn.logs == pytest.approx(falling.turn.logs)
    assert (rising.evidence, falling.evidence) == (("e2",), ("e0",))


def test_a_signal_names_the_filters_behind_the_violations() -> None:
    named = [_blocked(i, 10 * i, filter="f", filter_version=f"{i % 11}" if i % 11 else None) for i in range(22)]
    signal = run(OFFENDER, named)[1][-1]
    newest = signal.numbers.count - 1
    assert signal.filters == tuple(f"f@{i % 11}" if i % 11 else "f" for i in range(newest, newest - 8, -1))
    repeated = [_blocked(50 + i, 500 + i / 10, filter="other", session="k1.s") for i in range(5)]
    assert run(OFFENDER, repeated)[0].case.filters == ("other",)


def test_a_session_is_judged_as_a_person_is() -> None:
    session = "k1." + "s" * 26
    events = [_blocked(i, 10 * i, session=session) for i in range(12)]
    of_person, of_session = run(OFFENDER, events)[1], run(BY_SESSION, events)[1]
    assert [signal.level for signal in of_session] == [signal.level for signal in of_person]
    assert {signal.id for signal in of_session}.isdisjoint(signal.id for signal in of_person)
    last = of_session[-1]
    assert (last.scope, last.subject, last.key) == ("session", session, f"contoso|{session}")
    assert "requests of this session were blocked" in last.words
    assert "Typical sessions: 0.5 %." in last.words


@pytest.mark.parametrize("codec", [msgspec.msgpack, msgspec.json], ids=["msgpack", "json"])
def test_a_state_stored_before_the_second_path_still_decodes_and_goes_on(codec: Any) -> None:
    fields = [
        3.5,
        1772584800.0,
        4,
        8,
        1,
        1,
        2,
        7,
        9,
        1772584800.0,
        [[5, 1772584800.0, True]],
        [["hate", 4]],
        ["prompt"],
        ["e1"],
    ]
    old = codec.decode(codec.encode([40, 38.5, 1772584800.0, 1772500000.0, [1, 2], fields]), type=OffenderState)
    assert old.case is not None
    assert (old.case.violations, old.case.evidence, old.case.filters) == (4, ("e1",), ())
    assert OFFENDER.log_e(old) == 0.0
    state, _ = run(OFFENDER, [_blocked(1, 1, severity=2)], old)
    first, _ = run(OFFENDER, [_blocked(1, 1, severity=2)])
    assert state.case.violations == 5
    assert state.case.turn.logs == first.case.turn.logs


def test_a_signal_carries_the_four_numbers_and_its_evidence() -> None:
    events = [verdict(100 + i, i) for i in range(10)]
    grave = [
        _blocked(i, 20 + 10 * i, severity=(3, None)[i % 2], category=("hate", "violence", "hate")[i % 3])
        for i in range(9)
    ]
    signal = run(OFFENDER, events + grave)[1][-1]
    numbers = signal.numbers
    assert numbers is not None
    assert numbers.requests == 10 + numbers.count
    assert numbers.share == pytest.approx(numbers.count / numbers.requests)
    assert 2.0 < numbers.gravity <= 3.0
    assert signal.categories == (Category.HATE, Category.VIOLENCE)
    assert signal.evidence[0] == f"r{numbers.count - 1}:prompt:violence"
    assert signal.evidence[-1] == "r0:prompt:violence"
    assert signal.words.startswith(
        f"Between 2026-03-04 00:00 UTC and 2026-03-04 01:40 UTC, {numbers.count} of your {numbers.requests} requests "
        "were blocked (hate"
    )
    share = f"{100 * numbers.share:.3g} %"
    assert f"mean severity {numbers.gravity:.1f} of 3), or {share} (95 % range" in signal.words
    assert "Typical users: 0.5 %." in signal.words
    assert "exceeds the permitted 2 % is" in signal.words


def test_evidence_is_bounded() -> None:
    signal = run(OFFENDER, _spree(40))[1][-1]
    assert len(signal.evidence) == 20


def test_models_and_structs_of_a_verdict_give_the_same_signals() -> None:
    def model(event: VerdictStub) -> FilterVerdict:
        return FilterVerdict(
            event_id=event.event_id,
            request_id=event.request_id,
            at=event.at,
            tenant=event.tenant,
            subject=event.subject,
            provider="azure.openai",
            model="gpt-4o",
            filter="azure-content-filter",
            stage=Stage(event.stage),
            category=Category(event.category),
            provider_category="violence",
            state=State(event.state),
        )

    events = list(requests(2, days=2, per_day=20, rate=0.5))
    assert run(OFFENDER, events) == run(OFFENDER, map(model, events))
    assert {signal.subject for signal in run(OFFENDER, events)[1]} == {SUBJECT}


def test_states_are_small(capsys: pytest.CaptureFixture[str]) -> None:
    shingles = tuple(range(1_000_000_000, 1_000_000_256))
    benign, _ = run(OFFENDER, [verdict(i, i) for i in range(500)])
    offender, _ = run(OFFENDER, [_blocked(i, 10 * i, filter_version=f"2026-{i}") for i in range(50)])
    prompts = {"prompt_hash": "a" * 32, "prompt_shingles": shingles}
    with_prompts, _ = run(OFFENDER, [_blocked(i, 10 * i, **prompts) for i in range(50)])
    sizes = [len(msgspec.msgpack.encode(state)) for state in (benign, offender, with_prompts)]
    with capsys.disabled():
        sys.stdout.write(f" state: benign {sizes[0]} B, offender {sizes[1]} B, with shingles {sizes[2]} B ")
    assert sizes[0] < 60
    assert max(sizes) < 1200


OFFENCES = st.lists(st.tuples(st.integers(0, 20_000), st.booleans()), min_size=1, max_size=15)


@given(OFFENCES.flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(list(enumerate(drawn))))))
def test_late_events_commute(orders: tuple[list[tuple[int, bool]], list[tuple[int, tuple[int, bool]]]]) -> None:
    def state(numbered: list[tuple[int, tuple[int, bool]]]) -> OffenderState:
        return run(
            OFFENDER,
            [
                verdict(i, minutes, session=f"k1.{i}", state="blocked" if is_blocked else "clean")
                for i, (minutes, is_blocked) in numbered
            ],
        )[0]

    one, other = state(list(enumerate(orders[0]))), state(orders[1])
    assert (one.requests, one.at, one.since) == (other.requests, other.at, other.since)
    assert one.weight == pytest.approx(other.weight, rel=1e-9)
    assert (one.case is None) == (other.case is None)
    if one.case and other.case:
        assert (one.case.violations, one.case.at) == (other.case.violations, other.case.at)
        assert one.case.weight == pytest.approx(other.case.weight, rel=1e-9)


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=40))
def test_the_statistic_is_above_its_bound_and_shares_are_shares(gaps: list[tuple[float, bool]]) -> None:
    minutes, events = 0.0, []
    for number, (gap, is_blocked) in enumerate(gaps):
        minutes += gap
        events.append(verdict(number, minutes, session=f"k1.{number % 3}", state="blocked" if is_blocked else "clean"))
    for signal in run(OFFENDER, events)[1]:
        assert signal.statistic.threshold <= signal.statistic.value
        assert signal.statistic.value <= 1.0 or signal.statistic.name == "ln mixture e-CUSUM"
        assert signal.numbers is not None
        assert 0.0 < signal.numbers.share <= 1.0
        assert 0.0 <= signal.numbers.intent <= 1.0
