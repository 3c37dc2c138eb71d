"""Puts the readings of a stream's chunks together; it reads no chunk itself."""

from collections.abc import Iterable
from typing import Final

from events.formats.azure_body import Reading, read_body
from events.formats.azure_categories import opaque_block
from events.formats.finding import Finding, merged
from events.formats.node import Node
from events.taxonomy import Stage, State

CHUNKS_LIMIT: Final = 20_000
_DONE: Final = "[DONE]"


def read_stream(chunks: Node) -> Reading:
    """The whole of a stream: union over its chunks, per category the gravest state and the highest severity.

    It was cut unless it ends with `[DONE]` or in a block, or every choice has a finish reason.
    """
    nodes = [chunk for chunk in chunks.elements(CHUNKS_LIMIT) if chunk.value is not None]
    if not nodes:
        raise chunks.refuse("empty")
    readings = [read_body(chunk) for chunk in nodes if chunk.value != _DONE]
    whole = together(readings)
    ended = nodes[-1].value == _DONE or whole.error == "content_filter"
    finished = bool(whole.finish) and all(reason for _, reason in whole.finish)
    return whole._replace(partial=not (ended or finished))


def together(readings: Iterable[Reading]) -> Reading:
    """One reading of several parts of one answer, or of a whole one; a block without its category gets a finding."""
    findings: list[Finding] = []
    finish: dict[int, str | None] = {}
    whole = Reading()
    for part in readings:
        findings += part.findings
        finish.update({choice: reason for choice, reason in part.finish if reason or choice not in finish})
        whole = Reading(
            model=whole.model or part.model,
            prompt_tokens=_latest(part.prompt_tokens, whole.prompt_tokens),
            completion_tokens=_latest(part.completion_tokens, whole.completion_tokens),
            status=_latest(part.status, whole.status),
            error=part.error or whole.error,
        )
    findings += _unexplained(finish, findings)
    return whole._replace(findings=merged(findings), finish=tuple(sorted(finish.items())))


def _latest(new: int | None, old: int | None) -> int | None:
    return old if new is None else new


def _unexplained(finish: dict[int, str | None], findings: list[Finding]) -> list[Finding]:
    cut = [choice for choice, reason in finish.items() if reason == "content_filter"]
    if not cut:
        return []
    blocked = {finding.choice for finding in findings if finding.state is State.BLOCKED}
    return [opaque_block(Stage.COMPLETION, choice) for choice in cut if not blocked & {choice, None}]
