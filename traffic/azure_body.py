"""Bodies as Azure OpenAI sends them, built once per outcome and wire style; they hold no request's data yet."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from traffic.outcomes import SEVERITIES, Ending, Finding, Outcome

Results = dict[str, dict[str, Any]]
Chunk = dict[str, Any]

PROMPT_KEYS = (*SEVERITIES, "jailbreak")
COMPLETION_KEYS = SEVERITIES
CODE_KEYS = (*SEVERITIES, "protected_material_text", "protected_material_code")
_ID, _MODEL, _CREATED, _PROMPT_TOKENS, _COMPLETION_TOKENS, _TOTAL = (
    "<id>", "<model>", "<created>", "<prompt>", "<completion>", "<total>",
)  # fmt: skip
_SLOTS = (
    (_ID, "%(id)b"), (_MODEL, "%(model)b"), (f'"{_CREATED}"', "%(created)d"), (f'"{_PROMPT_TOKENS}"', "%(prompt)d"),
    (f'"{_COMPLETION_TOKENS}"', "%(completion)d"), (f'"{_TOTAL}"', "%(total)d"),
)  # fmt: skip
_FILTERED_PROMPT = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
    "Please modify your prompt and retry."
)
_CITATION = {"URL": "https://github.com/example-org/header-kit/blob/main/src/parse.py", "license": "MIT"}


@dataclass(frozen=True, slots=True)
class Sides:
    """What the filters say about each stage of one request; None: nothing was said."""

    prompt: Results | None
    completion: Results | None


@dataclass(frozen=True, slots=True)
class Style:
    """One way in which a result appears on the wire."""

    name: str
    ending: Ending
    share: float
    """Among the requests with the same ending."""
    body: Callable[[Sides, Outcome], object]
    """Writes the provider's response."""
    sides: Callable[[Sides], Sides] = lambda sides: sides
    """What this style leaves of the verdicts."""


def results(outcome: Outcome, stage: str, keys: tuple[str, ...]) -> Results:
    """Azure's map of category to result for one stage; categories without a finding are safe."""
    found = {finding.key: finding for finding in outcome.findings if finding.stage == stage}
    return {key: _result(key, found.get(key)) for key in keys}


def template(body: object) -> bytes:
    """Compact JSON with named places for id, model, time and tokens, to be filled by the `%` operator."""
    text = json.dumps(body, separators=(",", ":")).replace("%", "%%")
    for mark, slot in _SLOTS:
        text = text.replace(mark, slot)
    return text.encode()


def _result(key: str, finding: Finding | None) -> dict[str, Any]:
    filtered = finding is not None and finding.filtered
    if key in SEVERITIES:
        return {"filtered": filtered, "severity": (finding and finding.severity) or "safe"}
    cited = {"citation": _CITATION} if finding and key == "protected_material_code" else {}
    return {"filtered": filtered, "detected": finding is not None, **cited}


def _usage() -> dict[str, Any]:
    return {"prompt_tokens": _PROMPT_TOKENS, "completion_tokens": _COMPLETION_TOKENS, "total_tokens": _TOTAL}


def _finish(outcome: Outcome) -> str:
    return "content_filter" if outcome.ending == "stopped" else "stop"


def _prompt_filter(sides: Sides, results_key: str = "content_filter_results") -> list[dict[str, Any]]:
    return [{"prompt_index": 0, results_key: sides.prompt or {}}]


def _plain(sides: Sides, outcome: Outcome, results_key: str = "content_filter_results") -> dict[str, Any]:
    message = {"role": "assistant", "content": "..."}
    return {
        "id": _ID, "object": "chat.completion", "created": _CREATED, "model": _MODEL,
        "choices": [
            {"index": 0, "finish_reason": _finish(outcome), "message": message, results_key: sides.completion or {}}
        ],
        "prompt_filter_results": _prompt_filter(sides, results_key), "usage": _usage(),
    }  # fmt: skip


def _singular(sides: Sides, outcome: Outcome) -> dict[str, Any]:
    return _plain(sides, outcome, "content_filter_result")


def _anonymous(choices: list[dict[str, Any]], **more: object) -> Chunk:
    return {"id": "", "object": "", "created": 0, "model": "", **more, "choices": choices, "usage": None}


def _chunk(*choices: dict[str, Any], usage: dict[str, Any] | None = None) -> Chunk:
    return {
        "id": _ID, "object": "chat.completion.chunk", "created": _CREATED, "model": _MODEL,
        "choices": list(choices), "usage": usage,
    }  # fmt: skip


def _delta(finish: str | None = None, content: str | None = None, **more: object) -> dict[str, Any]:
    return {"index": 0, "finish_reason": finish, "delta": {"content": content} if content else {}, **more}


def _stream(sides: Sides, outcome: Outcome, prompt_key: str = "prompt_filter_results") -> list[Chunk]:
    """The default, buffered mode: content chunks carry their own verdicts."""
    said = sides.completion or {}
    return [
        _anonymous([], **{prompt_key: _prompt_filter(sides)}),
        _chunk(_delta(content="...", content_filter_results=said)),
        _chunk(_delta(_finish(outcome), content_filter_results={})),
        _chunk(usage=_usage()),
    ]


def _old_stream(sides: Sides, outcome: Outcome) -> list[Chunk]:
    return _stream(sides, outcome, "prompt_annotations")


def _cut_stream(sides: Sides, outcome: Outcome) -> list[Chunk]:
    """The connection was lost before the end: no finish reason, no usage."""
    return _stream(sides, outcome)[:2]


def _async_stream(sides: Sides, outcome: Outcome) -> list[Chunk]:
    """The asynchronous filter: annotations come without id or delta, also after the text has ended."""
    said = sides.completion or {}
    end = [] if outcome.ending == "stopped" else [_chunk(_delta("stop"))]
    return [
        _anonymous([], prompt_filter_results=_prompt_filter(sides)),
        _chunk(_delta(content="...")),
        *end,
        _annotation({key: result for key, result in said.items() if not result["filtered"]}, finish=None),
        *(
            _annotation({key: result}, finish="content_filter")
            for key, result in said.items()
            if outcome.ending == "stopped" and result["filtered"]
        ),
    ]


def _annotation(said: Results, *, finish: str | None) -> Chunk:
    offsets = {"check_offset": 71, "start_offset": 71, "end_offset": 640}
    return _anonymous(
        [{"index": 0, "finish_reason": finish, "content_filter_results": said, "content_filter_offsets": offsets}]
    )


def _error(inner: dict[str, Any]) -> dict[str, Any]:
    error = {"message": _FILTERED_PROMPT, "type": None, "param": "prompt", "code": "content_filter", "status": 400}
    return {"error": error | inner}


def _refusal(sides: Sides, _: Outcome) -> dict[str, Any]:
    return _error({"innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": sides.prompt}})


def _plural_refusal(sides: Sides, _: Outcome) -> dict[str, Any]:
    """The documentation's spelling: plural, `inner_error`, and a hyphen in self-harm."""
    said = {key.replace("self_harm", "self-harm"): result for key, result in (sides.prompt or {}).items()}
    return _error({"inner_error": {"code": "ResponsibleAIPolicyViolation", "content_filter_results": said}})


def _bare_refusal(_sides: Sides, _: Outcome) -> dict[str, Any]:
    return _error({})


def _failure(_: Sides, outcome: Outcome) -> dict[str, Any]:
    message = "Rate limit is exceeded." if outcome.status == 429 else "The server had an error."
    return {"error": {"code": str(outcome.status), "message": message}}


def _filter_outage(sides: Sides, outcome: Outcome) -> dict[str, Any]:
    fault = {"error": {"code": "content_filter_error", "message": "The contents are not filtered"}}
    return _plain(Sides(sides.prompt, fault), outcome, "content_filter_result")


def _prompt_only(sides: Sides) -> Sides:
    return Sides(sides.prompt, None)


def _unsaid(_: Sides) -> Sides:
    return Sides(None, None)


def _sparse(sides: Sides) -> Sides:
    """Categories that are switched off are absent; that does not mean safe."""
    absent = ("self_harm", "jailbreak")
    prompt, completion = (
        {key: result for key, result in (side or {}).items() if key not in absent or result.get("detected")}
        for side in (sides.prompt, sides.completion)
    )
    return Sides(prompt, completion)


STYLES = (
    Style("plain", "answered", 0.92, _plain),
    Style("stream", "answered", 0.04, _stream),
    Style("async_stream", "answered", 0.02, _async_stream),
    Style("cut_stream", "answered", 0.003, _cut_stream),
    Style("singular", "answered", 0.008, _singular),
    Style("old_stream", "answered", 0.003, _old_stream),
    Style("sparse", "answered", 0.005, _plain, _sparse),
    Style("filter_outage", "answered", 0.001, _filter_outage, _prompt_only),
    Style("plain", "stopped", 0.8, _plain),
    Style("stream", "stopped", 0.1, _stream),
    Style("async_stream", "stopped", 0.1, _async_stream),
    Style("refusal", "refused", 0.8, _refusal, _prompt_only),
    Style("plural_refusal", "refused", 0.17, _plural_refusal, _prompt_only),
    Style("bare_refusal", "refused", 0.03, _bare_refusal, _unsaid),
    Style("failure", "failed", 1.0, _failure, _unsaid),
)
"""Every way in which a request's result may arrive; the rare ones are the mess that real logs have."""
