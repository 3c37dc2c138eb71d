"""Would the guardrails block what a filter found? An answer with its reason; what the filter did is another thing."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from events import FLAGGED_STATES, FilterVerdict, Severity, State
from policy.guardrails import Guardrail, Guardrails

ASSUMED_SEVERITY = Severity.MEDIUM
"""How grave a finding counts as whose filter gives no severity."""


@dataclass(frozen=True, slots=True)
class WouldBlock:
    """The guardrail in `row` blocks it: its severity reaches the threshold, or it was detected."""

    reason: Literal["severity", "detection"]
    row: int


@dataclass(frozen=True, slots=True)
class Passes:
    """Nothing blocks it, and why; `row` is the guardrail that was asked, where there is one."""

    reason: Literal[
        "exempt_model", "not_evaluated", "filter_error", "no_guardrail", "mark_only", "not_detected", "below_threshold"
    ]
    row: int | None = None


def would_block(verdict: FilterVerdict, guardrails: Guardrails) -> WouldBlock | Passes:
    """Judge one verdict, or any record with its attributes, by the last row that fits it."""
    if _fits(verdict.model, guardrails.exempt_models):
        return Passes("exempt_model")
    if verdict.state == State.NOT_EVALUATED:
        return Passes("not_evaluated")
    if verdict.state == State.FILTER_ERROR:
        return Passes("filter_error")
    for index in reversed(range(len(guardrails.rows))):
        if _governs(guardrails.rows[index], verdict):
            return _judge(verdict, guardrails.rows[index], index)
    return Passes("no_guardrail")


def _governs(row: Guardrail, verdict: FilterVerdict) -> bool:
    return (
        row.category == verdict.category
        and verdict.stage in row.stages
        and verdict.modality in row.modalities
        and (not row.tenants or _fits(verdict.tenant, row.tenants))
        and (not row.models or _fits(verdict.model, row.models))
        and (not row.deployments or _fits(verdict.deployment or "", row.deployments))
    )


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def _judge(verdict: FilterVerdict, row: Guardrail, index: int) -> WouldBlock | Passes:
    detected = verdict.state in FLAGGED_STATES
    match row.block:
        case "never":
            return Passes("mark_only", index)
        case "on_detection":
            return WouldBlock("detection", index) if detected else Passes("not_detected", index)
    unstated = ASSUMED_SEVERITY if detected else Severity.SAFE
    severity = unstated if verdict.severity is None else verdict.severity
    reaches = severity >= Severity[row.block.upper()]
    return WouldBlock("severity", index) if reaches else Passes("below_threshold", index)
