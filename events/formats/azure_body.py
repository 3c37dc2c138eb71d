"""Reads one Azure OpenAI chat body (an answer, an error, a chunk of a stream) into what it says about its request."""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from events.formats.azure_categories import opaque_block, read_results
from events.formats.finding import Finding
from events.formats.node import Node
from events.taxonomy import Stage, State

CHOICES_LIMIT: Final = 128
_RESULTS: Final = ("content_filter_results", "content_filter_result")
_PROMPTS: Final = ("prompt_filter_results", "prompt_annotations")
_INNER: Final = ("innererror", "inner_error")
_CONTENT_FILTER: Final = ("content_filter", "contentFilter", "content_policy_violation")
_INNER_CONTENT_FILTER: Final = ("ResponsibleAIPolicyViolation", "ContentFiltered")
_TOKENS_LIMIT: Final = 2**53


class Reading(NamedTuple):
    """What one body says. `finish` maps each choice to its finish reason, None while it is still open."""

    findings: tuple[Finding, ...] = ()
    finish: tuple[tuple[int, str | None], ...] = ()
    model: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    status: int | None = None
    error: Literal["content_filter", "other"] | None = None
    """The body is an error: a filter's block, or something else."""
    partial: bool = False
    """The stream was cut."""


def read_body(body: Node) -> Reading:
    """Read an answer, an error (also flattened, as client libraries hand it on) or one chunk.

    Raises FormatError for anything else.
    """
    if body.has("error"):
        return _read_error(body.get("error"))
    if body.has("choices", *_PROMPTS):
        return _read_completion(body)
    if body.has("code", "message", *_INNER):
        return _read_error(body)
    raise body.refuse("not_a_chat_body")


def _read_completion(body: Node) -> Reading:
    choices = list(body.get("choices").objects(CHOICES_LIMIT))
    finish = tuple((_index(choice), choice.get("finish_reason").label()) for choice in choices)
    usage = body.get("usage")
    return Reading(
        findings=(*_prompt_findings(body), *_choice_findings(choices)),
        finish=finish,
        model=body.get("model").label(),
        prompt_tokens=usage.get("prompt_tokens").integer(_TOKENS_LIMIT),
        completion_tokens=usage.get("completion_tokens").integer(_TOKENS_LIMIT),
    )


def _prompt_findings(body: Node) -> Iterator[Finding]:
    for prompts in body.all_of(*_PROMPTS):
        for prompt in prompts.objects(CHOICES_LIMIT):
            for results in prompt.all_of(*_RESULTS):
                yield from read_results(results, Stage.PROMPT, None)


def _choice_findings(choices: list[Node]) -> Iterator[Finding]:
    for choice in choices:
        for results in choice.all_of(*_RESULTS):
            yield from read_results(results, Stage.COMPLETION, _index(choice))


def _index(choice: Node) -> int:
    return choice.get("index").integer(CHOICES_LIMIT - 1) or 0


def _read_error(error: Node) -> Reading:
    status = error.get("status").value
    known = status if isinstance(status, int) and 100 <= status <= 599 else None
    inner = error.get(*_INNER)
    if error.get("code").value not in _CONTENT_FILTER and inner.get("code").value not in _INNER_CONTENT_FILTER:
        return Reading(status=known, error="other")
    stage = _stage(error.get("param"))
    findings = [finding for results in inner.all_of(*_RESULTS) for finding in read_results(results, stage, None)]
    if not any(finding.state is State.BLOCKED for finding in findings):
        findings.append(opaque_block(stage, None))
    return Reading(findings=tuple(findings), status=known, error="content_filter")


def _stage(param: Node) -> Stage:
    match param.text():
        case None | "prompt" | "messages":  # a blocked completion is no HTTP error, so the bare error is the prompt's
            return Stage.PROMPT
        case "completion" | "response":
            return Stage.COMPLETION
        case _:
            return Stage.UNKNOWN
