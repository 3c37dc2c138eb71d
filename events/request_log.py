"""The log of one request to a model: what was asked of which deployment, at what cost, and how it ended."""

from typing import Annotated, Literal

from pydantic import Field

from events.event import Count, Label, ModelEvent


class RequestLog(ModelEvent):
    """One request to a model, whatever became of it. It carries no prompt and no completion."""

    outcome: Literal["completed", "blocked", "failed"]
    """`blocked`: a filter stopped the prompt or the completion; `failed`: it ended for another reason."""
    http_status: Annotated[int, Field(ge=100, le=599)] | None = None
    """The provider's HTTP status, where known."""
    finish_reason: Label | None = None
    """The provider's own word for the end, e.g. `stop` or `content_filter`."""
    prompt_tokens: Count | None = None
    """Tokens in the prompt, as billed."""
    completion_tokens: Count | None = None
    """Tokens in all completions, as billed."""
    latency_ms: Annotated[float, Field(ge=0, le=86_400_000)] | None = None
    """Wall time of the request in milliseconds."""
    streamed: bool = False
    """The answer was sent in chunks."""
    partial: bool = False
    """The stream was cut: verdicts may be missing."""
