"""An explanation in sentences: bounds, what was missing, what would have been silent, and what was left out."""

import json
from typing import Any

import pytest

from alerts.signal import Attribution, Contribution
from streams.probes import Fewer
from streams.trace import Counterfactual, Needed, Reading, Trace
from watchfloor.explain import Explanation
from watchfloor.explain_replay import Replay
from watchfloor.explain_words import document, lines

SHORT = Reading("P(block rate > 0.02)", "restrict", 0.93, 0.95, reached=False)
REACHED = Reading("P(block rate > 0.02)", "review", 0.93, 0.9, reached=True)
BLOCK = Reading("P(block rate > 0.02)", "block", 0.9999, 0.999, reached=False, also="3 of 5 violations")
WITHOUT = Counterfactual("review", ("e3", "e2"), of=7, order="newest first", minimal=True)
SERIES: dict[str, Any] = {
    "id": "sig_1", "subject": "", "detector": "category_spike", "key": "contoso|gpt|azure|hate|prompt",
    "level": "page", "statistic_name": "ln mean Shiryaev-Roberts", "statistic_value": 12.5, "statistic_threshold": 11.0,
    "expected": 4.0, "seen": 30.0, "since": "2026-03-02 12:00:00.000", "multiplier": 6.0, "multiplier_low": 4.0,
    "multiplier_high": 8.0, "attribution": "",
}  # fmt: skip


def explanation(replay: Replay, **changes: Any) -> Explanation:
    fields: dict[str, Any] = {
        "id": "sig_1", "kind": "signal", "told": "It rose.", "policy": "pol_a", "in_force": "pol_a",
        "signal": {"subject": "k1.x"},
    }  # fmt: skip
    return Explanation(**(fields | changes), replay=replay)


def trace(*readings: Reading, needed: tuple[Needed, ...] = (), found: Counterfactual | None = None) -> Trace:
    return Trace("repeat_offender", "contoso|k1.x", "e3", 9, (), readings, needed, found)


def said(replay: Replay, **changes: Any) -> str:
    return "\n".join(lines(explanation(replay, **changes)))


def test_a_level_is_reached_or_short_by_how_much() -> None:
    text = said(Replay(9, traces=(trace(REACHED, SHORT, needed=(Needed("restrict", SHORT.path, 2),)),)))
    assert "review: P(block rate > 0.02) = 0.93 of 0.9: reached" in text
    assert "restrict: P(block rate > 0.02) = 0.93 of 0.95: short by 0.02; 2 more violations would have sufficed" in text


@pytest.mark.parametrize(
    ("more", "words"), [(1, "one more violation would have sufficed"), (None, "50 more violations like the last")]
)
def test_what_was_missing_is_counted(more: int | None, words: str) -> None:
    assert words in said(Replay(9, traces=(trace(SHORT, needed=(Needed("restrict", SHORT.path, more),)),)))


def test_a_level_may_be_short_of_something_else_than_its_bound() -> None:
    assert "= 0.9999 of 0.999, 3 of 5 violations: short" in said(Replay(9, traces=(trace(BLOCK),)))


def test_the_counterfactual_names_its_events_and_how_they_were_chosen() -> None:
    text = said(Replay(9, traces=(trace(REACHED, found=WITHOUT),)))
    assert "Without 2 of the 7 events against it, taken newest first, review would not have been reached; " in text
    assert text.endswith("with any one of them back it is: e3, e2.")


def test_nothing_less_than_everything_is_said_so() -> None:
    none = Counterfactual("review", (), of=4, order="newest first", minimal=False)
    assert "Without all 4 events against it, review would still have been reached." in said(
        Replay(9, traces=(trace(found=none),))
    )


def test_many_events_are_not_all_named_in_sentences() -> None:
    many = Counterfactual("review", tuple(f"e{n}" for n in range(14)), of=20, order="newest first", minimal=False)
    assert "e9 and 4 more." in said(Replay(9, traces=(trace(found=many),)))


def test_a_series_is_told_with_expectation_multiplier_and_how_many_fewer() -> None:
    rows = (Contribution(dimension="language", value="de", seen=20, expected=2.0, share=0.75),)
    campaign = Attribution(kind="campaign", rows=rows).model_dump_json()
    text = said(Replay(60, fewer=Fewer(30, 18, "page")), signal=SERIES | {"attribution": campaign})
    assert "Expected 4, seen 30 since 2026-03-02 12:00:00.000 UTC." in text
    assert "About 6 times the expectation (4 to 8)." in text
    assert "language de: 20 where 2.0 were expected, 75%" in text
    assert "Seen 30 in the step; with 12 fewer (18 or less) it would not have been a page." in text


def test_a_rise_that_was_enough_before_its_last_step_says_so() -> None:
    assert "would have been enough without it" in said(Replay(60, fewer=Fewer(3, None, "page")), signal=SERIES)


def test_scores_are_left_out_from_the_lowest() -> None:
    found = Counterfactual("page", ("s1",), of=9, order="lowest first", minimal=True)
    assert "taken lowest first" in said(Replay(60, scores=found), signal=SERIES)


def test_another_policy_and_what_is_missing_are_not_passed_over() -> None:
    text = said(Replay(9, cut=True, reproduced=False), in_force="pol_b")
    assert "Replayed with policy pol_a; it was concluded under pol_b." in text
    assert "Only the newest 100,000 events" in text
    assert "does not give this very signal" in text


def test_an_event_that_no_detector_counts_says_so() -> None:
    assert "No detector counts this event." in said(Replay(0, reproduced=False), signal=None, told="", in_force="")


def test_the_document_is_json_all_the_way_down() -> None:
    found = document(explanation(Replay(9, traces=(trace(REACHED, SHORT, found=WITHOUT),))))
    assert json.loads(json.dumps(found))["replay"]["traces"][0]["counterfactual"]["without"] == ["e3", "e2"]
    assert found["replay"]["traces"][0]["readings"][1]["threshold"] == 0.95
