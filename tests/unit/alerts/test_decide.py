"""The gates, one by one and in their order, and the rung that a signal reaches."""

from datetime import timedelta
from typing import Any

import pytest
from alert_facts import AT, ENFORCE, SUBJECT, TENANT, decided, hold, ladder, lift, loaded, new_case, run, signal

from alerts.decide import GATES, Brakes, Quota, decide, next_step
from alerts.decision import Decision, Held, HeldReason
from alerts.history import History
from alerts.record import content_id
from alerts.signal import Signal
from events import Category
from policy.ladder import Ladder
from policy.version import LoadedPolicy

EXEMPTION = {"tenant": TENANT, "subject": SUBJECT, "until": AT + timedelta(hours=1), "why": "red team"}


def held(one: Signal, *, case: History | None = None, policy: LoadedPolicy = ENFORCE, **brakes: Any) -> Held:
    result = decide(one, case or new_case(), policy=policy, now=one.at, brakes=Brakes(**brakes))
    assert isinstance(result, Held)
    return result


def taken(one: Signal, *, case: History | None = None, policy: LoadedPolicy = ENFORCE, **brakes: Any) -> Decision:
    result = decide(one, case or new_case(), policy=policy, now=one.at, brakes=Brakes(**brakes))
    assert isinstance(result, Decision)
    return result


def test_first_signal_is_answered_with_the_warning_and_its_registered_inverse():
    one = signal(level="block")
    decision = taken(one)
    assert (decision.measure, decision.step) == ("warn", 0)
    assert decision.id == content_id("dec", one.id, "0")
    assert decision.inverse == content_id("lift", decision.id)
    assert decision.until == AT + timedelta(days=30)
    assert decision.decider == "watchfloor"
    assert decision.policy_version == ENFORCE.version
    assert decision.message == ENFORCE.policy.ladder.steps[0].message
    assert decision.words == one.words
    assert (decision.evidence, decision.numbers, decision.statistic) == (one.evidence, one.numbers, one.statistic)


def test_same_arguments_give_the_same_decision():
    assert taken(signal()) == taken(signal())


def test_observe_is_the_default_and_records_what_would_have_been_done():
    policy = loaded(mode="observe")
    one = held(signal(), policy=policy)
    assert (one.reason, one.would, one.step, one.also) == ("mode_observe", "warn", 0, ())
    assert one.until == AT + timedelta(days=30)
    assert one.policy_version == policy.version
    assert "only observes" in one.words
    assert signal().words in one.words


def test_review_mode_leaves_it_to_a_person():
    one = held(signal(), policy=loaded(mode="review"))
    assert (one.reason, one.would) == ("mode_review", "warn")


def test_detector_overrides_the_mode_of_the_policy():
    policy = loaded(mode="observe", detectors={"repeat_offender": {"mode": "enforce"}})
    assert taken(signal(), policy=policy).measure == "warn"


def test_exempt_subject_is_left_alone_and_told_why():
    one = held(signal(), policy=loaded(exemptions=[EXEMPTION]))
    assert one.reason == "exempt"
    assert "red team" in one.words


@pytest.mark.parametrize("changed", [{"until": AT}, {"tenant": "fabrikam"}, {"subject": "k1." + "b" * 26}])
def test_exemption_that_ended_or_is_somebody_elses_does_not_hold(changed: dict[str, Any]):
    assert taken(signal(), policy=loaded(exemptions=[EXEMPTION | changed]))


@pytest.mark.parametrize("category", ["self_harm", "sexual_minors"])
def test_care_categories_are_never_a_strike(category: str):
    one = held(signal(categories=("hate", category)))
    assert one.reason == "care_category"
    assert category in one.words


@pytest.mark.parametrize("fields", [{"categories": ("prompt_attack_indirect",)}, {"stages": ("prompt", "document")}])
def test_injected_content_never_strikes_the_person(fields: dict[str, Any]):
    assert held(signal(**fields)).reason == "injected_content"


def test_measures_from_a_faulty_filter_are_held():
    one = held(signal(filters=("azure@2", "azure@3")), holds=(hold("azure@3"),))
    assert one.reason == "filter_fault"
    assert "azure@3" in one.words
    assert taken(signal(filters=("azure@2",)), holds=(hold("azure@3"),))


def test_a_hold_concerns_its_own_categories_and_time():
    filters = {"filters": ("azure@3",)}
    assert taken(signal(**filters), holds=(hold("azure@3", categories=(Category.SEXUAL,)),))
    assert taken(signal(**filters), holds=(hold("azure@3", since=AT + timedelta(seconds=1)),))
    assert taken(signal(**filters), holds=(hold("azure@3").ended(AT),))
    assert held(signal(**filters), holds=(hold("azure@3").ended(AT + timedelta(seconds=1)),)).reason == "filter_fault"


def test_measure_as_grave_in_force_covers_the_signal():
    rungs = ladder(("warn", "restrict", "30d"), ("throttle", "restrict", "7d"), ("throttle", "restrict", "9d"))
    policy = loaded(ladder=rungs)
    case, _ = decided(policy, times=2)
    one = held(signal(9, at=AT + timedelta(days=2)), case=case, policy=policy)
    assert (one.reason, one.would, one.step) == ("already_covered", "throttle", 2)
    later = taken(signal(9, at=AT + timedelta(days=9)), case=case, policy=policy)
    assert later.step == 2


def test_quota_holds_only_the_measures_it_names():
    assert held(signal(), quota=Quota({"warn": 0})).reason == "quota"
    assert taken(signal(), quota=Quota({"warn": 1, "throttle": 0}))


def test_review_level_never_acts():
    one = held(signal(level="review"), policy=loaded(ladder=ladder(("warn", "review", "1d"))))
    assert (one.reason, one.would, one.step, one.until) == ("no_step", None, None, None)


def test_signal_about_a_series_reaches_no_rung():
    assert held(signal(level="page")).reason == "no_step"


def test_permanent_step_is_proposed_and_never_taken():
    case, last = decided(times=3)
    assert last.measure == "suspend"
    one = held(signal(9, level="block", at=AT + timedelta(days=30)), case=case)
    assert (one.reason, one.would, one.step, one.until) == ("needs_human", "ban", 3, None)


def test_top_of_the_ladder_has_no_step_above():
    policy = loaded(ladder=ladder(("warn", "restrict", "1d")))
    case, _ = decided(policy)
    assert held(signal(9, at=AT + timedelta(days=2)), case=case, policy=policy).reason == "no_step"


def test_what_a_later_gate_would_have_held_is_not_reported_as_would_be_done():
    one = held(signal(categories=("self_harm",)), policy=loaded(mode="observe"))
    assert (one.reason, one.would, one.also) == ("mode_observe", None, ("care_category",))


def test_first_objection_in_the_order_of_the_gates_is_the_reason():
    everything: dict[str, Any] = {
        "categories": ("self_harm",),
        "stages": ("tool",),
        "filters": ("f",),
        "level": "block",
    }
    policy = loaded(mode="observe", exemptions=[EXEMPTION], ladder=ladder(("warn", "block", None)))
    brakes: dict[str, Any] = {"holds": (hold("f", categories=()),), "quota": Quota({"warn": 0})}
    expected: tuple[HeldReason, ...] = (
        "mode_observe", "exempt", "care_category", "injected_content", "filter_fault", "quota", "needs_human",
    )  # fmt: skip
    one = held(signal(**everything), policy=policy, **brakes)
    assert (one.reason, *one.also) == expected
    assert len(GATES) == len(expected) + 1


LADDER = Ladder()


@pytest.mark.parametrize(
    ("last", "level", "rung"),
    [
        (None, "restrict", 0),
        (None, "block", 0),
        (0, "restrict", 1),
        (0, "block", 1),
        (1, "restrict", None),
        (1, "block", 2),
        (2, "block", 3),
        (3, "block", None),
        (None, "review", None),
        (0, "ticket", None),
    ],
)
def test_default_ladder_is_climbed_one_rung_per_signal(last: int | None, level: str, rung: int | None):
    above = next_step(LADDER, last, level=level)
    assert (above.rung if above else None) == rung


def test_rungs_are_forgotten_after_the_ladders_memory():
    case, _ = decided(times=2)
    assert taken(signal(9, level="block", at=AT + timedelta(days=90)), case=case).step == 2
    assert taken(signal(9, level="block", at=AT + timedelta(days=91)), case=case).step == 0


def test_rungs_climbed_by_lifted_decisions_do_not_count():

    case, last = decided(times=2)
    case = run(case, lift(last.id)).case
    assert taken(signal(9, at=AT + timedelta(days=9)), case=case).step == 1
