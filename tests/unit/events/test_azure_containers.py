from typing import Any

import pytest
from chat_items import CONTEXT, answer, asked, blocked, envelope, parse, sample, told
from hypothesis import given
from hypothesis import strategies as st

from events import Event
from events.errors import FormatError
from events.formats.azure_categories import CATEGORIES
from events.formats.azure_openai_chat import AzureOpenAIChat

SAFE, LOW, MEDIUM = ({"filtered": False, "severity": word} for word in ("safe", "low", "medium"))
BLOCK = {"filtered": True, "severity": "high"}
NO, YES = ({"filtered": False, "detected": detected} for detected in (False, True))


def test_the_annotated_answer_is_read_whole() -> None:
    log, _ = parse(sample("annotated_200.json"))
    assert (log.outcome, log.finish_reason, log.prompt_tokens, log.completion_tokens) == ("completed", "stop", 214, 58)
    assert told(sample("annotated_200.json")) == [
        "prompt hate clean 0",
        "prompt self_harm clean 0",
        "prompt sexual clean 0",
        "prompt violence clean 0",
        "prompt jailbreak clean",
        "prompt indirect_attack clean",
        "prompt profanity clean",
        "prompt custom_blocklists clean",
        "completion0 hate clean 0",
        "completion0 self_harm clean 0",
        "completion0 sexual clean 0",
        "completion0 violence detected 1",
        "completion0 profanity clean",
        "completion0 protected_material_text clean",
        "completion0 protected_material_code detected",
        "completion0 custom_blocklists/internal-codenames clean",
        "completion0 custom_topics/competitor-pricing clean",
        "completion0 personally_identifiable_information masked",
        "completion0 ungrounded_material detected",
    ]


def test_the_categories_of_the_annotated_answer_are_ours() -> None:
    _, verdicts = parse(sample("annotated_200.json"))
    assert [verdict.category.value for verdict in verdicts] == [
        *("hate", "self_harm", "sexual", "violence", "prompt_attack_direct", "prompt_attack_indirect", "profanity"),
        *("blocklist", "hate", "self_harm", "sexual", "violence", "profanity", "protected_text", "protected_code"),
        *("blocklist", "custom_topic", "pii", "ungrounded"),
    ]


def test_the_blocked_prompt_is_read_whole() -> None:
    log, _ = parse(sample("error_400_content_filter.json"))
    assert (log.outcome, log.http_status, log.streamed) == ("blocked", 400, False)
    assert told(sample("error_400_content_filter.json")) == [
        "prompt hate clean 0",
        "prompt jailbreak blocked",
        "prompt self_harm clean 0",
        "prompt sexual clean 0",
        "prompt violence blocked 2",
    ]


def test_the_stream_is_read_whole() -> None:
    log, verdicts = parse(sample("stream_async_filter_chunks.json"))
    assert (log.outcome, log.finish_reason, log.streamed, log.partial) == ("blocked", "content_filter", True, False)
    assert not any(verdict.partial for verdict in verdicts)
    assert told(sample("stream_async_filter_chunks.json")) == [
        "prompt hate clean 0",
        "prompt self_harm clean 0",
        "prompt sexual clean 0",
        "prompt violence clean 0",
        "prompt jailbreak clean",
        "completion0 hate clean 0",
        "completion0 self_harm clean 0",
        "completion0 sexual clean 0",
        "completion0 violence clean 0",
        "completion0 protected_material_text blocked",
    ]


@pytest.mark.parametrize("outer", ["prompt_filter_results", "prompt_annotations"])
@pytest.mark.parametrize("inner", ["content_filter_results", "content_filter_result"])
def test_a_prompt_is_read_in_every_spelling(outer: str, inner: str) -> None:
    body = {"choices": [], outer: [{"prompt_index": 0, inner: {"hate": MEDIUM}}]}
    assert told(body) == ["prompt hate detected 2"]


@pytest.mark.parametrize("inner", ["content_filter_results", "content_filter_result"])
def test_a_choice_is_read_in_every_spelling(inner: str) -> None:
    assert told({"choices": [{"index": 3, "finish_reason": "stop", inner: {"hate": LOW}}]}) == [
        "completion3 hate detected 1"
    ]


def test_both_spellings_at_once_are_put_together() -> None:
    body = answer({"hate": LOW, "sexual": SAFE}, content_filter_result={"hate": MEDIUM})
    assert told(body) == ["completion0 hate detected 2", "completion0 sexual clean 0"]


@pytest.mark.parametrize("nested", ["innererror", "inner_error"])
@pytest.mark.parametrize("inner", ["content_filter_results", "content_filter_result"])
@pytest.mark.parametrize("key", ["self_harm", "self-harm"])
@pytest.mark.parametrize("flattened", [True, False])
def test_a_blocked_prompt_is_read_in_every_spelling(nested: str, inner: str, key: str, *, flattened: bool) -> None:
    body = blocked(
        param="prompt", **{nested: {"code": "ResponsibleAIPolicyViolation", inner: {key: BLOCK, "hate": SAFE}}}
    )
    assert told(body["error"] if flattened else body) == ["prompt self_harm blocked 3", "prompt hate clean 0"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"param": "prompt"}, "prompt"),
        ({"param": None}, "prompt"),
        ({"param": "messages"}, "prompt"),
        ({"param": "completion"}, "completion"),
        ({"param": "response"}, "completion"),
        ({"param": "tools"}, "unknown"),
        ({"code": "contentFilter"}, "prompt"),
        ({"code": "content_policy_violation"}, "prompt"),
        ({"code": None, "innererror": {"code": "ResponsibleAIPolicyViolation"}}, "prompt"),
        ({"code": "400", "inner_error": {"code": "ContentFiltered"}}, "prompt"),
    ],
)
def test_a_block_without_detail_is_one_opaque_verdict(error: dict[str, Any], expected: str) -> None:
    log, verdicts = parse(blocked(**error))
    assert log.outcome == "blocked"
    assert told(blocked(**error)) == [f"{expected} content_filter blocked"]
    assert verdicts[0].category == "provider_policy"


def test_a_block_that_its_detail_does_not_explain_is_not_lost() -> None:
    body = blocked(param="prompt", innererror={"content_filter_result": {"hate": SAFE}})
    assert told(body) == ["prompt hate clean 0", "prompt content_filter blocked"]


def test_another_error_is_a_failure_without_verdicts() -> None:
    log, verdicts = parse({"error": {"code": "429", "message": "Rate limit reached", "status": 429}})
    assert (log.outcome, log.http_status, verdicts) == ("failed", 429, [])


def test_a_gateways_flat_error_is_a_failure() -> None:
    log, verdicts = parse({"statusCode": 429, "message": "Rate limit is exceeded."}, http_status=429)
    assert (log.outcome, log.http_status, verdicts) == ("failed", 429, [])


@pytest.mark.parametrize("status", [None, "400", 99, 1e3])
def test_a_status_that_is_none_is_left_out(status: Any) -> None:
    assert parse(blocked(status=status))[0].http_status is None


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Jailbreak", "prompt jailbreak blocked"),
        ("Indirect Attack", "prompt indirect_attack blocked"),
        ("SelfHarm", "completion0 self_harm blocked"),
        ("self-harm", "completion0 self_harm blocked"),
        ("Novelty", "completion0 content_filter blocked"),
    ],
)
@pytest.mark.parametrize("quote", ["'", "’"])
def test_a_refusal_shaped_as_an_answer_is_a_block_by_its_label(label: str, expected: str, quote: str) -> None:
    message = f"Response content blocked by label {quote}{label}{quote}."
    body = answer({"error": {"code": "content_filter_error", "message": message}}, finish_reason="content_filter")
    assert told(body, http_status=400) == [expected]
    assert parse(body, http_status=400)[0].outcome == "blocked"


def test_a_filter_that_did_not_run_is_an_error_of_its_stage() -> None:
    error = {"error": {"code": "content_filter_error", "message": "The contents are not filtered"}}
    assert told(answer(error) | asked(error)) == ["prompt error filter_error", "completion0 error filter_error"]
    assert parse(answer(error))[0].outcome == "completed"


def test_a_completion_cut_by_the_filter_without_a_category_is_an_opaque_block() -> None:
    body = answer({"hate": SAFE}, finish_reason="content_filter")
    assert told(body) == ["completion0 hate clean 0", "completion0 content_filter blocked"]
    assert parse(body)[0].outcome == "blocked"


def test_choices_are_filtered_each_on_its_own() -> None:
    choices = [
        {"index": 0, "finish_reason": "stop", "content_filter_results": {"hate": SAFE}},
        {"index": 1, "finish_reason": "content_filter", "content_filter_results": {"hate": BLOCK}},
        {"index": 2, "finish_reason": "content_filter"},
    ]
    assert told({"choices": choices}) == [
        "completion0 hate clean 0",
        "completion1 hate blocked 3",
        "completion2 content_filter blocked",
    ]
    log, _ = parse({"choices": choices})
    assert (log.outcome, log.finish_reason) == ("blocked", "content_filter")


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"hate": {"filtered": False, "severity": "very_low"}}, ["hate clean 0"]),
        ({"hate": {"filtered": False, "severity": "high"}}, ["hate detected 3"]),
        ({"hate": {"filtered": True, "severity": "safe"}}, ["hate blocked 0"]),
        ({"hate": {"filtered": False}}, ["hate clean"]),
        ({"hate": {"severity": "low"}}, ["hate detected 1"]),
        ({"hate": None}, []),
        ({"hate": {}}, []),
        ({"jailbreak": YES}, ["jailbreak detected"]),
        ({"task_adherence": NO}, ["task_adherence clean"]),
        ({"purview": {"filtered": True, "detected": True, "details": {"error": {}}}}, ["purview blocked"]),
        ({"error": None}, []),
        (
            {"protected_material_code": YES | {"URL": "https://…", "license": "MIT"}},
            ["protected_material_code detected"],
        ),
        ({"protected_material_code": YES | {"citation": {"URL": "u"}}}, ["protected_material_code detected"]),
        ({"custom_blocklists": []}, []),
        ({"custom_blocklists": [{"id": "names", "filtered": True}]}, ["custom_blocklists/names blocked"]),
        ({"custom_blocklists": {"filtered": True}}, ["custom_blocklists blocked"]),
        (
            {"custom_blocklists": {"filtered": True, "details": [{"id": "a", "filtered": True}, {"id": "b"}]}},
            ["custom_blocklists/a blocked", "custom_blocklists/b clean"],
        ),
        (
            {"custom_blocklists": {"filtered": True, "details": [{"id": "a", "filtered": False}]}},
            ["custom_blocklists/a clean", "custom_blocklists blocked"],
        ),
        ({"custom_topics": {"details": [{"id": "prices", "detected": True}]}}, ["custom_topics/prices detected"]),
        (
            {"custom_topics": {"filtered": False, "details": [{"id": "our prices", "detected": True}]}},
            ["custom_topics/x~8005b9f4e4b8a051a87804f867b8a1bb detected"],
        ),
        (
            {"personally_identifiable_information": YES | {"sub_categories": [{"redacted": False}]}},
            ["personally_identifiable_information detected"],
        ),
        (
            {"personally_identifiable_information": BLOCK | {"sub_categories": [{"redacted": True}]}},
            ["personally_identifiable_information blocked 3"],
        ),
        ({"personally_identifiable_information": YES}, ["personally_identifiable_information detected"]),
    ],
)
def test_a_result_becomes_its_state(result: dict[str, Any], expected: list[str]) -> None:
    assert told(answer(result)) == [f"completion0 {line}" for line in expected]


def test_several_prompts_are_one_stage() -> None:
    prompts = [
        {"prompt_index": index, "content_filter_results": {"hate": hate}} for index, hate in enumerate([LOW, SAFE])
    ]
    assert told({"prompt_filter_results": prompts}) == ["prompt hate detected 1"]


def test_a_category_that_is_not_there_gives_no_verdict() -> None:
    assert told(answer({})) == []
    assert told({"choices": [], "prompt_filter_results": None}) == []


members = st.sampled_from(["filtered", "detected", "severity", "details", "sub_categories"])
values = st.sampled_from([None, True, False, 0, 1, 1.0, "safe", "very_low", "low", "high", "", "grave", [], {}])


def outcome(results: dict[str, Any]) -> tuple[Event, ...] | tuple[str, str]:
    try:
        return AzureOpenAIChat().parse(envelope(answer(results)), CONTEXT)
    except FormatError as error:
        return error.path, error.reason


@given(st.sampled_from([*CATEGORIES, "self-harm", "sarcasm"]), st.dictionaries(members, values, max_size=3))
def test_an_ordinary_result_reads_like_one_with_an_unknown_member(name: str, result: dict[str, Any]) -> None:
    unusual = result | {"note": 1, "remark": 2}
    assert outcome({name: result}) == outcome({name: unusual})
