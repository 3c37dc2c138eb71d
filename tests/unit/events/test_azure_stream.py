from typing import Any

import pytest
from chat_items import answer, asked, blocked, parse, told

from events.errors import FormatError

LOW, HIGH = ({"filtered": False, "severity": word} for word in ("low", "high"))


def chunk(index: int = 0, finish: str | None = None, **results: Any) -> dict[str, Any]:
    choice = {"index": index, "finish_reason": finish, "content_filter_results": results}
    return {"id": "", "object": "", "model": "", "choices": [choice], "usage": None}


def test_a_category_keeps_its_highest_severity_and_gravest_state() -> None:
    chunks = [
        chunk(hate=HIGH),
        chunk(hate={"filtered": True, "severity": "low"}),
        chunk(hate=LOW),
        chunk(finish="stop"),
    ]
    assert told(chunks) == ["completion0 hate blocked 3"]


def test_detection_in_one_chunk_is_kept_through_later_clean_ones() -> None:
    found, clean = ({"filtered": False, "detected": detected} for detected in (True, False))
    chunks = [chunk(profanity=clean), chunk(profanity=found), chunk(profanity=clean, finish="stop")]
    assert told(chunks) == ["completion0 profanity detected"]


def test_categories_of_all_chunks_and_choices_are_put_together() -> None:
    chunks = [asked({"hate": LOW}), chunk(0, hate=LOW), chunk(1, sexual=LOW), chunk(0, "stop"), chunk(1, "stop")]
    assert told(chunks) == [
        "prompt hate detected 1",
        "completion0 hate detected 1",
        "completion1 sexual detected 1",
    ]


def test_annotations_after_the_finish_reason_count() -> None:
    log, _ = parse([chunk(finish="stop"), chunk(hate=HIGH)])
    assert (log.finish_reason, log.partial) == ("stop", False)
    assert told([chunk(finish="stop"), chunk(hate=HIGH)]) == ["completion0 hate detected 3"]


def test_model_and_usage_come_from_the_chunks_that_have_them() -> None:
    usage = {"choices": [], "model": "gpt-4.1-mini", "usage": {"prompt_tokens": 7, "completion_tokens": 0}}
    log, _ = parse([chunk(), chunk(finish="stop") | {"model": "gpt-4.1-mini"}, usage, chunk()], model=None)
    assert (log.model, log.prompt_tokens, log.completion_tokens) == ("gpt-4.1-mini", 7, 0)


@pytest.mark.parametrize(
    ("chunks", "partial"),
    [
        ([chunk(hate=LOW)], True),
        ([asked({"hate": LOW})], True),
        ([chunk(0, "stop", hate=LOW), chunk(1)], True),
        ([chunk(hate=LOW), {"error": {"code": "server_error", "message": "…"}}], True),
        ([chunk(hate=LOW), "[DONE]"], False),
        ([chunk(hate=LOW), chunk(finish="length"), None], False),
        ([chunk(hate=LOW), blocked(param="completion")], False),
    ],
)
def test_a_stream_is_partial_unless_its_end_was_seen(chunks: list[Any], *, partial: bool) -> None:
    log, verdicts = parse(chunks)
    assert log.partial == partial
    assert all(verdict.partial == (partial and verdict.stage == "completion") for verdict in verdicts)


def test_an_error_in_the_stream_is_a_failure() -> None:
    assert parse([chunk(), {"error": {"code": "server_error"}}])[0].outcome == "failed"


def test_a_block_in_the_stream_is_a_block() -> None:
    assert parse([chunk(), blocked(param="completion")])[0].outcome == "blocked"


def test_a_stream_of_many_chunks_is_read() -> None:
    assert told([chunk(hate=LOW)] * 19_999 + [chunk(finish="stop")]) == ["completion0 hate detected 1"]


@pytest.mark.parametrize(
    ("chunks", "path", "reason"),
    [
        ([], "body", "empty"),
        ([None], "body", "empty"),
        ([{"choices": []}] * 20_001, "body", "too_many"),
        (["data: {}"], "body[0]", "not_an_object"),
        ([answer({}), 7], "body[1]", "not_an_object"),
        ([answer({}), {}], "body[1]", "not_a_chat_body"),
        ([[]], "body[0]", "not_an_object"),
    ],
)
def test_a_broken_stream_is_refused(chunks: list[Any], path: str, reason: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse(chunks)
    assert (caught.value.path, caught.value.reason) == (path, reason)
