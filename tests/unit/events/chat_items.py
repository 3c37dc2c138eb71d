"""Envelopes for the tests of formats, and a short way to write what they should become; no test itself."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from events import Event, FilterVerdict, RequestLog
from events.formats import EdgeContext
from events.formats.azure_openai_chat import AzureOpenAIChat
from events.pseudonym import Pseudonymiser

SAMPLES = Path(__file__).parent / "samples" / "azure-openai-chat"
CONTEXT = EdgeContext(Pseudonymiser({"k1": bytes(range(32))}), datetime(2026, 6, 12, 12, tzinfo=UTC))


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def envelope(body: Any, **changes: Any) -> dict[str, Any]:
    known = {"id": "r1", "at": "2026-06-12T10:41:50Z", "tenant": "acme", "user": "jane", "model": "gpt-4.1"}
    return known | {"body": body} | changes


def parse(body: Any, **changes: Any) -> tuple[RequestLog, list[FilterVerdict]]:
    log, *verdicts = AzureOpenAIChat().parse(envelope(body, **changes), CONTEXT)
    assert isinstance(log, RequestLog)
    return log, [verdict for verdict in verdicts if isinstance(verdict, FilterVerdict)]


def told(body: Any, **changes: Any) -> list[str]:
    """Each verdict as `stage[choice] provider_category[/item] state [severity]`."""
    return [line(verdict) for verdict in parse(body, **changes)[1]]


def line(event: Event) -> str:
    assert isinstance(event, FilterVerdict)
    stage = event.stage + ("" if event.choice is None else str(event.choice))
    name = event.provider_category + (f"/{event.item}" if event.item else "")
    return " ".join([stage, name, event.state, *([] if event.severity is None else [str(event.severity)])])


def answer(results: Any, **choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": "stop", "content_filter_results": results} | choice]}


def asked(results: Any, **prompt: Any) -> dict[str, Any]:
    return {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": results} | prompt]}


def blocked(**error: Any) -> dict[str, Any]:
    return {"error": {"message": "The response was filtered", "type": None, "code": "content_filter"} | error}
