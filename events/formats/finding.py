"""What a provider's body says about one category, before it is anybody's: a verdict without its request."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from events.event import EventId
from events.taxonomy import Category, Stage, State

_EVENT_ID: Final = TypeAdapter(EventId)
_GRAVITY: Final = (State.CLEAN, State.FILTER_ERROR, State.DETECTED, State.MASKED, State.BLOCKED)


class Finding(NamedTuple):
    """One category's result. `choice` is None for the prompt, `severity` where the provider gives none."""

    stage: Stage
    choice: int | None
    provider_category: str
    item: str | None
    category: Category
    state: State
    severity: int | None = None


def gravity(finding: Finding) -> int:
    """Orders states: what a filter did outranks what it saw."""
    return _GRAVITY.index(finding.state)


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding per stage, choice, category and item: the gravest state with the highest severity."""
    found: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        key = finding[:4]
        known = found.get(key)
        found[key] = _graver(known, finding) if known else finding
    return tuple(found.values())


def _graver(known: Finding, other: Finding) -> Finding:
    gravest = max(known, other, key=gravity)
    severities = [severity for severity in (known.severity, other.severity) if severity is not None]
    return gravest._replace(severity=max(severities, default=None))


def verdict_id(request_id: str, *parts: object) -> str:
    """`<request id>:<part>:…`, an event id that is a function of the content; None parts are left out.

    Where that is no event id (too long, unusual characters), a digest takes the place of the parts.
    """
    known = [str(part) for part in parts if part is not None]
    plain = ":".join((request_id, *known))
    return plain if is_event_id(plain) else f"{request_id[:80]}~{digest(plain)}"


def item_id(name: str) -> str:
    """The id of a blocklist or topic: its own name where that is fit for an id, else `~<digest>` behind an x."""
    return name if is_event_id(name) else f"x~{digest(name)}"


def is_event_id(text: str) -> bool:
    """Whether `text` can be an event id as it is."""
    try:
        _EVENT_ID.validate_python(text)
    except ValidationError:
        return False
    return True


def digest(text: str) -> str:
    """32 hex characters that stand for `text`."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
