"""The format `azure-openai-chat`: an envelope around a body of Azure OpenAI's chat completions, streamed or not."""

from collections.abc import Iterator
from typing import Any, Literal

from events.errors import FormatError
from events.event import Event
from events.filter_verdict import FilterVerdict
from events.formats.azure_body import Reading, read_body
from events.formats.azure_stream import read_stream, together
from events.formats.envelope import Envelope, EvaluatorScore
from events.formats.finding import Finding, verdict_id
from events.formats.format import EdgeContext, refuse_future, validated, with_tenant
from events.formats.node import Node
from events.request_log import RequestLog
from events.taxonomy import Category, ScoreKind, Stage, State

FILTER = "azure-content-filter"


class AzureOpenAIChat:
    """Gives one RequestLog, and one FilterVerdict per stage, choice, category and item that the filter looked at."""

    name = "azure-openai-chat"

    def parse(self, item: object, context: EdgeContext) -> tuple[Event, ...]:
        """Read one envelope. Raises FormatError."""
        envelope = validated(Envelope, with_tenant(item, context))
        refuse_future(envelope.at, context)
        reading = _read(Node(envelope.body, ("body",)))
        shared = _shared(envelope, reading, context)
        verdicts = [
            *_verdicts(envelope, reading, shared),
            *(_score(envelope, score, shared) for score in envelope.scores),
        ]
        if len({verdict.event_id for verdict in verdicts}) < len(verdicts):
            raise FormatError("scores", "duplicate")
        return _log(envelope, reading, shared), *verdicts


def _read(body: Node) -> Reading:
    return read_stream(body) if isinstance(body.value, list) else together([read_body(body)])


def _shared(envelope: Envelope, reading: Reading, context: EdgeContext) -> dict[str, Any]:
    return {
        "at": envelope.at,
        "tenant": envelope.tenant,
        **envelope.pseudonyms(context.pseudonymiser),
        "source_format": AzureOpenAIChat.name,
        "request_id": envelope.id,
        "provider": "azure.openai",
        "model": envelope.model or reading.model or envelope.deployment or "unknown",
        "deployment": envelope.deployment,
        "modality": envelope.modality,
        "language": envelope.language,
        "release": envelope.release,
        "prompt_hash": envelope.prompt_hash,
    }


def _log(envelope: Envelope, reading: Reading, shared: dict[str, Any]) -> RequestLog:
    return RequestLog(
        **shared,
        event_id=verdict_id(envelope.id, "log"),
        outcome=_outcome(envelope, reading),
        http_status=envelope.http_status or reading.status,
        finish_reason=_finish_reason(reading),
        prompt_tokens=reading.prompt_tokens,
        completion_tokens=reading.completion_tokens,
        latency_ms=envelope.latency_ms,
        streamed=isinstance(envelope.body, list),
        partial=reading.partial,
    )


def _outcome(envelope: Envelope, reading: Reading) -> Literal["completed", "blocked", "failed"]:
    if State.BLOCKED in [finding.state for finding in reading.findings]:
        return "blocked"
    return "failed" if reading.error or (envelope.http_status or 0) >= 400 else "completed"


def _finish_reason(reading: Reading) -> str | None:
    reasons = [reason for _, reason in reading.finish if reason]
    return "content_filter" if "content_filter" in reasons else next(iter(reasons), None)


def _verdicts(envelope: Envelope, reading: Reading, shared: dict[str, Any]) -> Iterator[FilterVerdict]:
    own = [_own_fields(envelope.id, finding, partial=reading.partial) for finding in reading.findings]
    if own:
        first = FilterVerdict(**shared, **own[0], filter=FILTER, filter_version=envelope.filter_version)
        yield first
        # Copies are not validated again: what changes comes from our own tables and checks.
        yield from (first.model_copy(update=change) for change in own[1:])


def _own_fields(request_id: str, finding: Finding, *, partial: bool) -> dict[str, Any]:
    stage, choice, provider_category, item, *_ = finding
    fields = finding._asdict()
    fields["event_id"] = verdict_id(request_id, stage, provider_category, choice, item)
    fields["partial"] = partial and stage is Stage.COMPLETION
    return fields


def _score(envelope: Envelope, score: EvaluatorScore, shared: dict[str, Any]) -> FilterVerdict:
    categories = {"groundedness": Category.UNGROUNDED, "relevance": Category.IRRELEVANT}
    return FilterVerdict(
        **shared,
        event_id=verdict_id(envelope.id, Stage.COMPLETION, score.metric, score.evaluator, score.version),
        filter=score.evaluator,
        filter_version=score.version,
        stage=Stage.COMPLETION,
        category=categories.get(score.metric, Category.QUALITY),
        provider_category=score.metric,
        state=State.CLEAN,
        score=score.value,
        score_kind=ScoreKind.GROUNDED if score.metric == "groundedness" else ScoreKind.QUALITY,
    )
