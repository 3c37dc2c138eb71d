"""Programs are told from people, once, in words that an analyst can read; nobody is blocked for it."""

from datetime import timedelta
from math import log

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from operations_traffic import AUTOMATION, KEY, START, SUBJECT, asked, clockwork, human, run
from pydantic import ValidationError

from policy.automation import AutomationPolicy
from streams.detectors.automation import Automation
from streams.detectors.automation_signs import Limits, Sign, after_pause, after_prompt
from streams.detectors.automation_state import Pauses, Prompts

LIMITS = Limits.of(AutomationPolicy())
BY_KEY = Automation(AutomationPolicy(), "p1", "api_key")
HOUR = 3600


def _uneven(count: int, *, mean: float, seed: int = 1) -> list[float]:
    """Times of pauses between a tenth of the mean and nearly twice the mean."""
    return [at * mean / 60 for at in clockwork(count, jitter=0.9, seed=seed)]


@pytest.mark.parametrize("seed", range(5))
def test_a_person_is_not_told(seed: int) -> None:
    assert run(AUTOMATION, human(seed))[1] == []


def test_a_program_that_asks_every_minute_is_told_within_half_an_hour_and_names_the_sign() -> None:
    signal = run(AUTOMATION, asked(clockwork(30)))[1][0]
    assert signal.at - START < timedelta(minutes=30)
    assert (signal.detector, signal.level, signal.scope, signal.subject) == ("automation", "review", "subject", SUBJECT)
    assert signal.key == f"contoso|{SUBJECT}"
    assert signal.statistic.name == "ln Shiryaev-Roberts of equal pauses"
    assert signal.statistic.threshold == pytest.approx(log(1e6))
    assert signal.words.startswith("This user looks like a program rather than a person: 15 of the last 15 pauses were")
    assert signal.words.endswith("seconds (a person: at most 30%)")


def test_regularity_is_dated_to_where_it_began() -> None:
    person = [one.at.timestamp() - START.timestamp() for one in human(1, days=3)]
    begins = person[-1] + 5 * HOUR
    signal = run(AUTOMATION, asked([*person, *(begins + at for at in clockwork(30))]))[1][0]
    assert signal.expectation is not None
    assert abs(signal.expectation.since.timestamp() - START.timestamp() - begins) < 300
    assert signal.expectation.expected == 0.3
    assert signal.expectation.seen > 0.9


def test_more_requests_in_a_clock_hour_than_a_person_makes_are_told_at_once() -> None:
    signals = run(AUTOMATION, asked(HOUR + at for at in _uneven(310, mean=11)))[1]
    assert [signal.statistic.name for signal in signals] == ["requests in an hour"]
    assert (signals[0].statistic.value, signals[0].statistic.threshold) == (300, 300)
    assert "300 requests from 01:00 to 02:00 UTC (a person: fewer than 300)" in signals[0].words


def test_the_same_number_over_two_clock_hours_is_not() -> None:
    assert run(AUTOMATION, asked(1800 + at for at in _uneven(310, mean=11)))[1] == []


def test_more_requests_in_a_day_than_a_person_makes_are_told() -> None:
    names = [one.statistic.name for one in run(AUTOMATION, asked(_uneven(2100, mean=36)))[1]]
    assert "requests in a day" in names


def test_three_days_without_a_rest_are_told_however_uneven_the_pauses() -> None:
    signals = run(AUTOMATION, asked(_uneven(500, mean=700)))[1]
    assert [signal.statistic.name for signal in signals] == ["hours without a rest"]
    assert "72 hours without a pause of 4h" in signals[0].words
    assert signals[0].expectation is not None
    assert signals[0].expectation.since - START < timedelta(hours=1)


def test_a_rest_begins_the_count_anew() -> None:
    times = _uneven(300, mean=700)
    pause = times[-1] + 5 * HOUR
    assert run(AUTOMATION, asked([*times, *(pause + at for at in times)]))[1] == []


def test_the_same_prompt_day_after_day_is_told_however_rarely_it_comes() -> None:
    hours = [day * 24 + hour for day in range(4) for hour in (8, 9.3, 11, 11.8, 13.1, 15, 15.4, 17, 18.7, 20)]
    signal = run(AUTOMATION, asked([hour * HOUR for hour in hours], prompt_hash="ab" * 8))[1][0]
    assert signal.statistic.name == "ln Shiryaev-Roberts of equal prompts"
    assert "of the last 25 times it began with the same prompt (a person: at most 50%)" in signal.words


def test_a_retry_within_ten_minutes_is_no_repetition() -> None:
    state, signals = run(AUTOMATION, asked([700 + n for n in range(100)], prompt_hash="ab" * 8))
    assert signals == []
    assert state.prompts == Prompts(int(START.timestamp()) // 600 + 1, "ab" * 4)


def test_another_prompt_takes_over_when_most_slots_begin_with_it() -> None:
    prompts: Prompts | None = None
    for slot, prompt in enumerate("aabbb" + "b" * 30):
        prompts = after_prompt(prompts, prompt, at=slot * 600.0, limits=LIMITS)
    assert prompts is not None
    assert (prompts.prompt, prompts.evidence >= 1e6) == ("b", True)


def test_several_requests_of_one_turn_are_one_burst() -> None:
    turns = clockwork(30)
    told = run(AUTOMATION, asked(sorted([*turns, *(at + 1 for at in turns)])))[1]
    assert [signal.statistic.name for signal in told] == ["ln Shiryaev-Roberts of equal pauses"]
    typing = [n * 2.0 for n in range(100)]
    state, signals = run(AUTOMATION, asked(typing))
    assert (state.pauses.judged, signals) == (0, [])


def test_each_sign_is_told_once_and_again_when_it_lasts() -> None:
    state, signals = run(AUTOMATION, asked(clockwork(5 * 1440)))
    assert [signal.statistic.name for signal in signals] == [
        "ln Shiryaev-Roberts of equal pauses", "hours without a rest"
    ]  # fmt: skip
    last = max(clockwork(5 * 1440))
    later = asked([last + at for at in clockwork(7 * 1440)])
    assert len(run(AUTOMATION, later, state)[1]) == 1


def test_evidence_is_the_last_requests_and_bounded() -> None:
    signal = run(AUTOMATION, asked(clockwork(30)))[1][0]
    number = int(signal.evidence[0].removeprefix("r").removesuffix(":log"))
    assert signal.evidence == tuple(f"r{n}:log" for n in range(number, number - len(signal.evidence), -1))
    assert 5 <= len(signal.evidence) <= 10


def test_a_late_request_counts_but_is_no_pause() -> None:
    state, _ = run(AUTOMATION, asked([1000.0, 1060.0, 1120.0]))
    late, _ = run(AUTOMATION, asked([400.0]), state)
    assert late.pauses == state.pauses
    assert (late.at, late.in_hour) == (state.at, state.in_hour + 1)


def test_a_key_that_many_use_is_judged_by_its_regularity_only() -> None:
    busy = _uneven(400, mean=8)
    alone = run(BY_KEY, asked(busy))[1]
    assert [(signal.scope, signal.subject, signal.key) for signal in alone] == [("api_key", KEY, f"contoso|{KEY}")]
    assert alone[0].words.startswith("This api key looks like")
    users = [f"k1.{letter * 26}" for letter in "cdefgh"]
    shared = [msgspec.structs.replace(one, subject=users[n % 6]) for n, one in enumerate(asked(busy))]
    state, signals = run(BY_KEY, shared)
    assert signals == []
    assert len(state.subjects) == 4
    even = [msgspec.structs.replace(one, subject=users[n % 6]) for n, one in enumerate(asked(clockwork(60)))]
    assert [signal.statistic.name for signal in run(BY_KEY, even)[1]] == ["ln Shiryaev-Roberts of equal pauses"]


def test_a_subject_and_a_key_have_signals_of_their_own() -> None:
    events = asked(clockwork(30))
    assert run(AUTOMATION, events)[1][0].id != run(BY_KEY, events)[1][0].id


@given(st.lists(st.sampled_from([60.0, 60.0, 60.0, 200.0, 700.0]), min_size=1, max_size=60))
def test_the_bets_are_those_of_a_mixture_and_capped(pauses: list[float]) -> None:
    state, expected, last, at = Pauses(START.timestamp()), [0.0, 0.0], 0.0, START.timestamp()
    for pause in pauses:
        at += pause
        state = after_pause(state, at, limits=LIMITS)
        if last:
            same = pause == last
            expected = [
                (r + 1.0) * (1.0 + stake * ((same - 0.3) / 0.3)) for r, stake in zip(expected, (0.3, 0.7), strict=True)
            ]
        last = pause
    assert state.weak == pytest.approx(min(expected[0], 4e6))
    assert state.strong == pytest.approx(min(expected[1], 4e6))
    assert state.same <= state.judged


@given(st.lists(st.floats(-1e6, 1e7), min_size=1, max_size=40), st.sampled_from([None, "ab" * 8, "cd" * 8]))
def test_a_state_stays_small_whatever_comes(times: list[float], prompt: str | None) -> None:
    state, signals = run(AUTOMATION, asked(times, prompt_hash=prompt))
    assert len(msgspec.msgpack.encode(state)) < 300
    assert all(signal.level == "review" for signal in signals)


def test_a_person_takes_about_a_hundred_bytes() -> None:
    state, _ = run(AUTOMATION, human(3))
    assert len(msgspec.msgpack.encode(state)) <= 120


def test_signs_are_bits() -> None:
    assert [int(sign) for sign in Sign] == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("wrong", [{"rest": "5d"}, {"shortest_pause": "6h"}, {"requests_per_day": 100}])
def test_limits_that_contradict_each_other_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AutomationPolicy.model_validate(wrong)
