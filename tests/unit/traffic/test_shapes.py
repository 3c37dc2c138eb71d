"""Every body is valid JSON in one of Azure's containers, and its planted verdicts are those that it shows."""

import json
from typing import Any

import numpy as np
import pytest

from events import Category, Stage, State
from traffic.azure_body import COMPLETION_KEYS, PROMPT_KEYS, STYLES, results
from traffic.outcomes import IS_BLOCKED, OUTCOMES, SEVERITIES, Finding, Outcome, draw_outcomes
from traffic.shapes import CANONICAL, OPAQUE_BLOCK, OUTAGE, Shape, Shapes

SLOTS: dict[bytes, bytes | int] = {
    b"id": b"chatcmpl-1", b"model": b"gpt", b"created": 1, b"prompt": 2, b"completion": 3, b"total": 5,
}  # fmt: skip
TABLE = Shapes().table


def body(shape: Shape) -> Any:
    return json.loads(shape.body % SLOTS)


def every(found: object, key: str) -> list[Any]:
    """All values under a key, at any depth."""
    if isinstance(found, list):
        return [value for item in found for value in every(item, key)]
    if not isinstance(found, dict):
        return []
    return [*([found[key]] if key in found else []), *(value for item in found.values() for value in every(item, key))]


@pytest.mark.parametrize("shape", TABLE)
def test_every_template_fills_into_json_without_leftover_marks(shape: Shape) -> None:
    text = json.dumps(body(shape))
    assert "%" not in text
    assert "<" not in text


@pytest.mark.parametrize("shape", TABLE)
def test_a_body_shows_a_block_exactly_where_one_is_planted(shape: Shape) -> None:
    planted = any(one.state is State.BLOCKED for one in shape.verdicts if one is not OPAQUE_BLOCK)
    assert (True in every(body(shape), "filtered")) == planted


@pytest.mark.parametrize("shape", TABLE)
def test_a_category_is_planted_at_most_once_per_stage(shape: Shape) -> None:
    places = [(one.stage, one.category) for one in shape.verdicts if one not in (OPAQUE_BLOCK, OUTAGE)]
    assert len(places) == len(set(places))


def test_blocks_arrive_in_both_spellings_and_without_detail() -> None:
    refusals = [body(shape)["error"] for shape in TABLE if shape.status == 400]
    inner = [error.get("innererror") or error.get("inner_error") or {} for error in refusals]
    assert {key for one in inner for key in one if key != "code"} == {"content_filter_result", "content_filter_results"}
    assert {} in inner
    assert any("self-harm" in one.get("content_filter_results", {}) for one in inner)


def test_streams_have_anonymous_prompt_verdicts_first() -> None:
    streams = [chunks for shape in TABLE if isinstance(chunks := body(shape), list)]
    firsts = [chunks[0] for chunks in streams]
    assert all((first["id"], first["choices"], first["usage"]) == ("", [], None) for first in firsts)
    assert {key for first in firsts for key in first} >= {"prompt_filter_results", "prompt_annotations"}


def test_the_async_filter_annotates_after_the_text_has_ended() -> None:
    chunks = [chunks for shape in TABLE if isinstance(chunks := body(shape), list) and every(chunks, "check_offset")]
    answered = [one for one in chunks if "stop" in every(one, "finish_reason")]
    assert answered
    for one in answered:
        finishes = [every(chunk, "finish_reason") for chunk in one]
        assert finishes.index(["stop"]) < len(one) - 1
        assert "delta" not in one[-1]["choices"][0]


def test_the_mess_of_real_logs_is_there() -> None:
    bodies = [body(shape) for shape in TABLE]
    assert any(every(one, "error") and every(one, "choices") for one in bodies), "the filter failed"
    cut = [one for one in bodies if isinstance(one, list) and set(every(one, "finish_reason")) == {None}]
    assert cut, "a stream was cut"
    assert any(every(one, "prompt_filter_results") and "self_harm" not in json.dumps(one) for one in bodies), "sparse"
    assert {shape.status for shape in TABLE} == {200, 400, 429, 500}


def test_every_planted_category_has_a_canonical_name() -> None:
    assert {finding.key for outcome in OUTCOMES for finding in outcome.findings} <= set(CANONICAL)


def test_results_name_every_category_and_mark_only_what_was_found() -> None:
    outcome = Outcome("answered", (Finding("prompt", "violence", "low"), Finding("completion", "hate", "low")))
    prompt, completion = results(outcome, "prompt", PROMPT_KEYS), results(outcome, "completion", COMPLETION_KEYS)
    assert prompt["violence"] == {"filtered": False, "severity": "low"}
    assert prompt["jailbreak"] == {"filtered": False, "detected": False}
    assert completion["hate"]["severity"] == "low"
    assert completion["violence"]["severity"] == "safe"


def test_low_severity_is_annotated_and_only_graver_content_is_blocked() -> None:
    for outcome in OUTCOMES:
        for finding in outcome.findings:
            if finding.key in SEVERITIES:
                assert finding.filtered == (finding.severity != "low")


def test_shares_of_the_styles_add_up_per_ending() -> None:
    for ending in {style.ending for style in STYLES}:
        assert sum(style.share for style in STYLES if style.ending == ending) == pytest.approx(1)


def test_shapes_are_drawn_for_the_outcome_asked_for() -> None:
    rng, shapes = np.random.default_rng(1), Shapes()
    outcome = np.arange(len(OUTCOMES)).repeat(200)
    drawn = shapes.draw(outcome, np.tile([True, False], outcome.size // 2), rng)
    assert (drawn >= 0).all()
    for index, shape in zip(outcome.tolist(), drawn.tolist(), strict=True):
        assert shapes.table[shape].status == OUTCOMES[index].status
    assert set(drawn.tolist()) <= set(range(len(shapes.table)))


def test_code_models_also_check_for_protected_material() -> None:
    shapes = Shapes()
    clean = np.zeros(100, np.int64)
    for code in (True, False):
        drawn = shapes.draw(clean, np.full(100, code), np.random.default_rng(1))
        found = [{one.category for one in shapes.table[index].verdicts} for index in drawn.tolist()]
        assert any(Category.PROTECTED_CODE in one for one in found) == code


def test_outcomes_are_blocked_exactly_where_asked_and_mostly_in_the_favourite_category() -> None:
    blocked = np.tile([True, False], 5_000)
    drawn = draw_outcomes(blocked, np.full(10_000, 1, np.int8), np.random.default_rng(1))
    assert np.array_equal(IS_BLOCKED[drawn], blocked)
    hate = [any(finding.key == "hate" for finding in OUTCOMES[index].findings) for index in drawn[blocked]]
    assert np.mean(hate) == pytest.approx(0.7, abs=0.03)


def test_findings_are_annotated_more_often_than_blocked() -> None:
    blocked = np.random.default_rng(2).random(100_000) < 0.005
    drawn = draw_outcomes(blocked, np.zeros(100_000, np.int8), np.random.default_rng(1))
    annotated = np.array([bool(outcome.findings) for outcome in OUTCOMES])[drawn] & ~blocked
    assert annotated.sum() > 3 * blocked.sum()


def test_an_outage_and_an_opaque_refusal_are_planted_as_such() -> None:
    assert sum(OUTAGE in shape.verdicts for shape in TABLE) > 0
    assert all(shape.verdicts == (OPAQUE_BLOCK,) for shape in TABLE if OPAQUE_BLOCK in shape.verdicts)
    assert all(
        OUTAGE.stage is one.stage is Stage.COMPLETION for shape in TABLE for one in shape.verdicts if one == OUTAGE
    )
