"""Scores of hand-made decisions and incidents: who counts as found, who as wronged, and from when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traffic.score import Decided, KindScore, Raised, Score, score
from traffic.scoreboard import render
from traffic.truth import ABOVE_PERMITTED, PlantedDrift, PlantedSpike, PlantedUser, Truth

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPIKE = "contoso|gpt|azure.openai|violence|prompt"
DRIFT = "contoso|mini|docs|groundedness|judge|1"


def user(name: str, kind: str, *, since: timedelta = HOUR * 0, loud: bool = True) -> PlantedUser:
    return PlantedUser(
        tenant="contoso", user=name, type=kind, since=START + since, loud=loud, rate=0.5, requests=50, blocked=25
    )


def truth(*planted: PlantedUser, users: int = 1_000) -> Truth:
    spike = PlantedSpike(
        tenant="contoso", model="gpt", provider_category="violence", stage="prompt", since=START + 10 * HOUR,
        until=START + 12 * HOUR, factor=5, loud=True,
    )  # fmt: skip
    drift = PlantedDrift(
        tenant="contoso", model="mini", deployment="docs", metric="groundedness", evaluator="judge", version="1",
        since=START + 14 * HOUR, mean_before=0.85, mean_after=0.65, loud=False,
    )  # fmt: skip
    return Truth(
        seed=7, start=START, end=START + 24 * HOUR, tenants=("contoso",), users=users, permitted_rate=0.02,
        planted=planted, spikes=(spike,), drifts=(drift,), requests=1, blocked=1, verdicts=(),
    )  # fmt: skip


def decided(name: str, measure: str, hours: float, violations: int | None = 5, tenant: str = "contoso") -> Decided:
    at = START + hours * HOUR
    return Decided(tenant=tenant, subject=pseudonym(tenant, name), measure=measure, at=at, violations=violations)


def raised(detector: str, series: str, opened: float, updated: float | None = None) -> Raised:
    at, until = START + opened * HOUR, START + (opened if updated is None else updated) * HOUR
    return Raised(detector=detector, series=series, opened_at=at, updated_at=until)


def pseudonym(tenant: str, raw: str) -> str:
    return f"k1.{tenant}-{raw}"


def scored(document: Truth, *decisions: Decided, incidents: tuple[Raised, ...] = ()) -> Score:
    return score(document, decisions, incidents, pseudonym=pseudonym)


def kind(result: Score, name: str) -> KindScore:
    return next(one for one in result.kinds if one.kind == name)


def test_a_warned_offender_is_found_but_not_restricted() -> None:
    result = scored(truth(user("a", "persistent")), decided("a", "warn", 3, 4))
    found = kind(result, "persistent")
    assert (found.planted, found.loud, found.found, found.loud_found, found.restricted) == (1, 1, 1, 1, 0)
    assert (found.delay, found.violations, found.restricted_delay, found.recall) == (3 * HOUR, 4, None, 1.0)
    assert result.precision is None
    assert result.passed


@pytest.mark.parametrize("measure", ["throttle", "suspend", "ban"])
def test_graver_measures_restrict_and_the_first_one_counts(measure: str) -> None:
    decisions = (decided("a", measure, 9, 14), decided("a", "warn", 3, 4), decided("a", measure, 6, 9))
    found = kind(scored(truth(user("a", "persistent")), *decisions), "persistent")
    assert (found.delay, found.violations, found.restricted, found.restricted_delay) == (3 * HOUR, 4, 1, 6 * HOUR)


def test_delays_are_medians_from_the_start_of_the_offending() -> None:
    planted = [user(name, "turned", since=12 * HOUR) for name in "abc"]
    decisions = [
        decided(name, "warn", at, count) for name, at, count in zip("abc", (13, 14, 19), (4, 5, 9), strict=True)
    ]
    found = kind(scored(truth(*planted), *decisions), "turned")
    assert (found.delay, found.violations) == (2 * HOUR, 5)


def test_a_decision_before_the_offending_finds_nobody() -> None:
    found = kind(scored(truth(user("a", "turned", since=12 * HOUR)), decided("a", "throttle", 11)), "turned")
    assert (found.found, found.restricted, found.recall) == (0, 0, 0.0)


def test_a_missed_loud_offender_fails_and_a_missed_quiet_one_does_not() -> None:
    assert not scored(truth(user("a", "burst"))).passed
    assert scored(truth(user("a", "low_and_slow", loud=False))).passed


def test_restricted_benign_users_fail_past_one_in_a_thousand() -> None:
    one, two = decided("x", "throttle", 1), decided("y", "suspend", 1)
    assert scored(truth(), one).passed
    result = scored(truth(), one, two)
    assert (result.benign.users, result.benign.restricted, result.benign.restricted_share) == (1_000, 2, 0.002)
    assert not result.passed
    assert result.precision == 0


def test_warned_benign_users_are_shown_and_not_held_against_it() -> None:
    result = scored(truth(), *(decided(f"u{n}", "warn", 1) for n in range(50)))
    assert (result.benign.warned, result.benign.restricted) == (50, 0)
    assert result.passed


def test_the_benign_above_the_permitted_rate_are_counted_apart() -> None:
    document = truth(user("a", "persistent"), user("b", ABOVE_PERMITTED, loud=False))
    result = scored(document, decided("a", "warn", 1), decided("b", "throttle", 1))
    assert (result.above_permitted.users, result.above_permitted.restricted) == (1, 1)
    assert (result.benign.users, result.benign.restricted) == (998, 0)
    assert result.precision == 1
    assert result.passed


def test_the_same_name_in_another_tenant_is_another_subject() -> None:
    result = scored(truth(user("a", "persistent")), decided("a", "throttle", 1, tenant="fabrikam"))
    assert kind(result, "persistent").found == 0
    assert result.benign.restricted == 1


@pytest.mark.parametrize("hours", [-1.0, 24.0, 30.0])
def test_decisions_outside_the_run_are_not_about_it(hours: float) -> None:
    result = scored(truth(user("a", "persistent")), decided("a", "throttle", hours), decided("x", "throttle", hours))
    assert kind(result, "persistent").found == result.benign.restricted == 0


def test_a_decision_without_a_count_leaves_the_violations_unknown() -> None:
    found = kind(scored(truth(user("a", "persistent")), decided("a", "warn", 1, None)), "persistent")
    assert (found.found, found.violations) == (1, None)


def test_kinds_that_were_not_planted_have_no_recall() -> None:
    assert {one.recall for one in scored(truth()).kinds} == {None}
    assert scored(truth()).loud_recall == 1


def test_planted_series_are_found_with_their_delay() -> None:
    incidents = (raised("category_spike", SPIKE, 10.5), raised("groundedness_drift", DRIFT, 15))
    spike, drift = scored(truth(), incidents=incidents).series
    assert (spike.found, spike.delay, spike.loud) == (True, HOUR / 2, True)
    assert (drift.found, drift.delay, drift.loud) == (True, HOUR, False)


@pytest.mark.parametrize(
    "incident",
    [
        raised("category_spike", SPIKE, 9),
        raised("category_spike", SPIKE, 14),
        raised("category_spike", SPIKE.replace("violence", "hate"), 10.5),
        raised("groundedness_drift", SPIKE, 10.5),
        raised("groundedness_drift", DRIFT, 13),
    ],
)
def test_another_time_series_or_detector_is_a_false_incident(incident: Raised) -> None:
    result = scored(truth(), incidents=(incident,))
    assert not any(one.found for one in result.series)
    assert result.false_incidents == 1


def test_an_incident_that_was_open_before_finds_without_a_delay() -> None:
    spike, _ = scored(truth(), incidents=(raised("category_spike", SPIKE, 8, 11),)).series
    assert (spike.found, spike.delay) == (True, None)


def test_the_first_of_several_incidents_gives_the_delay() -> None:
    incidents = (raised("category_spike", SPIKE, 12.5), raised("category_spike", SPIKE, 11))
    assert scored(truth(), incidents=incidents).series[0].delay == HOUR


decisions = st.builds(
    decided,
    st.sampled_from("abcxyz"),
    st.sampled_from(["warn", "throttle", "suspend", "ban"]),
    st.floats(-2, 26),
    st.none() | st.integers(1, 50),
)


@given(st.lists(decisions, max_size=20), st.randoms())
def test_the_order_and_repetition_of_decisions_do_not_matter(made: list[Decided], random: Any) -> None:
    document = truth(
        user("a", "persistent"), user("b", "turned", since=12 * HOUR), user("c", ABOVE_PERMITTED, loud=False)
    )
    once = scored(document, *made)
    again = [*made, *made]
    random.shuffle(again)
    twice = scored(document, *again)
    for one, other in zip(once.kinds, twice.kinds, strict=True):
        assert (one.found, one.restricted, one.delay) == (other.found, other.restricted, other.delay)
        assert one.restricted <= one.found <= one.planted
    assert (once.benign, once.above_permitted, once.precision) == (twice.benign, twice.above_permitted, twice.precision)


def test_the_table_names_every_number_and_the_verdict() -> None:
    document = truth(
        user("a", "persistent"), user("b", "low_and_slow", loud=False), user("c", ABOVE_PERMITTED, loud=False)
    )
    result = scored(
        document, decided("a", "warn", 3.25, 4), decided("a", "throttle", 6), decided("c", "throttle", 6),
        incidents=(raised("category_spike", SPIKE, 8, 11),),
    )  # fmt: skip
    text = "\n".join(" ".join(line.split()) for line in render(result).splitlines())
    assert "persistent 1 1 1 1.00 3 h 15 min 4 1 6 h 00 min" in text
    assert "low_and_slow 1 0 0 0.00 - - 0 -" in text
    assert "above it (not planted) 1 0 1 100.000%" in text
    assert f"category_spike in {SPIKE}: already open" in text
    assert f"groundedness_drift (quiet) in {DRIFT}: not found" in text
    assert "recall of loud offenders: 1.000" in text
    assert text.endswith("passed")


def test_the_table_says_when_the_run_failed() -> None:
    text = render(scored(truth(user("a", "burst")), incidents=(raised("category_spike", SPIKE, 11),)))
    assert "found after 1 h 00 min" in text
    assert text.endswith("FAILED")
