"""The words that people read about a decision, or about none."""

from alert_facts import AT, ENFORCE, decided, loaded, new_case, signal

from alerts.decide import decide
from alerts.decision import Held
from alerts.explain import explain_decision, explain_held


def held(**fields: object) -> Held:
    result = decide(signal(**fields), new_case(), policy=loaded(mode="observe"), now=AT)  # type: ignore[arg-type]
    assert isinstance(result, Held)
    return result


def test_decision_is_told_with_reason_numbers_bound_policy_and_undoing():
    _, decision = decided(times=2)
    assert explain_decision(decision).splitlines() == [
        "The subject is slowed down from 2026-03-02 12:00 UTC until 2026-03-03 12:00 UTC.",
        "Why: 14 of your 60 requests were blocked.",
        "How many: 14 violations in 60 requests.",
        "What share: 23.3% of the requests.",
        "How grave: 2.1 of 3.",
        "How intentional: 35% were variations after a block; a retry of the same prompt counts not.",
        "Categories: hate, violence.",
        "Measured: P(block rate > 0.02) = 0.999997; the bound is 0.99.",
        f"Decided by watchfloor on repeat_offender, ladder step 2, {decision.id}.",
        f"Policy: {ENFORCE.version}.",
        "Events: e2, e1.",
        f"To undo: {decision.inverse} lifts this decision and nothing else.",
    ]


def test_decision_without_numbers_categories_events_or_end_is_told_too():
    _, decision = decided()
    bare = decision.model_copy(update={"numbers": None, "categories": (), "evidence": (), "until": None})
    told = explain_decision(bare)
    assert "until a person lifts it." in told
    assert "Events: none named." in told
    assert "How many" not in told
    assert "Categories" not in told


def test_held_signal_is_told_with_what_would_have_been_done():
    told = explain_held(held()).splitlines()
    assert told[0] == "Nothing was done on 2026-03-01 12:00 UTC (mode_observe)."
    assert told[1] == "Why: The policy only observes. 14 of your 60 requests were blocked."
    assert told[2] == "It would have been: warn until 2026-03-31 12:00 UTC, ladder step 1."
    assert told[3].startswith("Policy: pol_")


def test_held_signal_is_told_with_the_other_gates_that_object():
    told = explain_held(held(categories=("self_harm",)))
    assert "It would also have been held by: care_category." in told
    assert "It would have been:" not in told
