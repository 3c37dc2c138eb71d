"""The second path: what a violation of each severity weighs, and that clean requests cost nothing."""

from math import exp, log
from typing import Any

import pytest
from detector_traffic import OFFENDER, run, verdict
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.mixture_cusum import advance, log_mean
from streams.detectors.offence import counting
from streams.detectors.severity_cusum import (
    Turn,
    grade_of,
    log_e,
    weights,
    with_graver,
    with_repetition,
    with_violation,
)

POLICY = RepeatOffenderPolicy()
SCALE = counting(POLICY).weights
BENIGN = POLICY.benign_shares
CLEAN, REPEATED = "clean", "repeated"


def test_a_low_hit_adds_2_3_points_and_a_clean_request_subtracts_a_fifth() -> None:
    tenfold = POLICY.offender_profiles.index((10, 10, 10))
    assert SCALE.blocked[1][tenfold] == pytest.approx(2.3, abs=0.01)
    assert SCALE.clean[tenfold] == pytest.approx(-0.2, abs=0.005)


def test_every_weight_is_a_likelihood_ratio() -> None:
    """Its mean over a benign person's outcomes is 1, with severities and without."""
    for index in range(len(POLICY.offender_profiles)):
        clean = (1 - sum(BENIGN)) * exp(SCALE.clean[index])
        graded = sum(share * exp(SCALE.blocked[grade][index]) for grade, share in enumerate(BENIGN, start=1))
        assert clean + graded == pytest.approx(1.0)
        assert clean + sum(BENIGN) * exp(SCALE.blocked[0][index]) == pytest.approx(1.0)
        assert SCALE.clean[index] < 0


@pytest.mark.parametrize(("severity", "grade"), [(None, 0), (0, 1), (1, 1), (2, 2), (3, 3)])
def test_a_violation_without_severity_is_unknown_and_a_safe_one_is_low(severity: int | None, grade: int) -> None:
    assert grade_of(severity) == grade


OUTCOMES = st.sampled_from([*[CLEAN] * 6, REPEATED, None, 0, 1, 2, 3])


@given(st.lists(OUTCOMES, max_size=120))
def test_counting_clean_requests_lazily_equals_visiting_each(outcomes: list[Any]) -> None:
    """Against the statistic taken request by request; a repetition within the gap is neither clean nor a violation."""
    eager: tuple[float, ...] = (0.0,) * len(SCALE.clean)
    state, session = OFFENDER.initial("key"), None
    for number, outcome in enumerate(outcomes):
        if outcome == CLEAN:
            state, _ = OFFENDER.step(state, verdict(number, number / 100))
            eager, _ = advance(eager, SCALE.clean)
        elif outcome == REPEATED and session:
            state, _ = OFFENDER.step(state, verdict(number, number / 100, state="blocked", session=session))
        elif outcome != REPEATED:
            session = f"k1.{number}"
            event = verdict(number, number / 100, state="blocked", severity=outcome, session=session)
            state, _ = OFFENDER.step(state, event)
            eager, _ = advance(eager, SCALE.blocked[grade_of(outcome)])
            eager = tuple(min(one, SCALE.ceiling) for one in eager)
            assert state.case.turn.logs == pytest.approx(eager, abs=1e-9)
        expected = log_mean([max(0.0, one) for one in eager])
        assert OFFENDER.log_e(state) == pytest.approx(expected, abs=1e-9)


def test_a_repetition_is_neither_clean_nor_a_violation() -> None:
    first = verdict(0, 0, state="blocked", severity=3)
    again = [verdict(i, i / 10, state="blocked", severity=3, event_id=f"e{i}{c}") for i in range(1, 9) for c in "ab"]
    fresh = verdict(99, 60, state="blocked", severity=3)
    together = run(OFFENDER, [first, *again, fresh])[0].case.turn.logs
    assert together == pytest.approx(run(OFFENDER, [first, fresh])[0].case.turn.logs)


def test_a_repetition_that_turns_out_to_be_a_violation_is_no_repetition() -> None:
    first = verdict(0, 0, state="blocked", category="hate")
    both = [verdict(1, 1, state="blocked", category=c, event_id=f"r1:{c}") for c in ("hate", "violence")]
    state = run(OFFENDER, [first, *both])[0]
    expected = with_violation(Turn(), SCALE, requests=1, request=1, grade=0)
    expected = with_violation(expected, SCALE, requests=2, request=2, grade=0)
    assert state.case.violations == 2
    assert state.case.turn.logs == pytest.approx(expected.logs)


def test_a_violation_that_turns_out_graver_counts_as_if_it_had_come_so() -> None:
    low = with_violation(Turn(), SCALE, requests=5, request=1, grade=1)
    high = with_violation(Turn(), SCALE, requests=5, request=1, grade=3)
    assert with_graver(low, SCALE, 3).logs == pytest.approx(high.logs)


def test_evidence_has_a_ceiling_so_that_a_better_person_is_soon_free_of_it() -> None:
    state, _ = run(OFFENDER, [verdict(i, 10 * i, state="blocked", severity=3) for i in range(300)])
    assert OFFENDER.log_e(state) <= SCALE.ceiling == log(1e6) + log(256)
    state, _ = run(OFFENDER, [verdict(1000 + i, 3000 + i) for i in range(1000)], state)
    assert OFFENDER.log_e(state) == 0.0


def test_evidence_under_another_policy_starts_at_nothing() -> None:
    turn = with_violation(Turn((9.0,), 3), SCALE, requests=4, request=1, grade=1)
    assert turn.logs == SCALE.blocked[1]
    assert log_e(Turn((9.0,), 3), SCALE, requests=3) == 0.0


def test_repetitions_of_one_request_count_once() -> None:
    assert with_repetition(with_repetition(Turn(), 7), 7) == with_repetition(Turn(), 7)


def test_profiles_of_any_number_are_weighed() -> None:
    scale = weights((0.1, 0.05, 0.01), [(2, 2, 2)], ceiling=9.0)
    assert [len(logs) for logs in (scale.clean, *scale.blocked)] == [1] * 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"offender_profiles": [(1, 1, 1)]},
        {"offender_profiles": [(0.5, 9, 9)]},
        {"offender_profiles": [(60, 10, 10)]},
        {"offender_profiles": [(3, 3)]},
        {"offender_profiles": []},
        {"benign_shares": (0.1, 0.1)},
        {"turned_at": 1},
        {"scopes": ["subject", "subject"]},
        {"scopes": []},
        {"linking": ["Payment"]},
        {"linking": ["payment", "payment"]},
    ],
    ids=str,
)
def test_profiles_that_are_no_worse_and_other_nonsense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RepeatOffenderPolicy.model_validate(wrong)
