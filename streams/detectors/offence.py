"""How one blocked verdict changes a subject's case: a new violation or the repetition of one; it judges nobody."""

from collections.abc import Iterable
from zlib import crc32

from msgspec.structs import replace

from streams.detectors.decay import add
from streams.detectors.offender_state import REMEMBERED_HITS, Case, Hit
from streams.detectors.verdict import Verdict

VARIATION_WITHIN = 600.0
"""Seconds after a block within which another prompt is a variation of the blocked one."""
_SEVERITY_UNKNOWN = 2


def after_block(case: Case, event: Verdict, *, gap: float, half_life: float, evidence_limit: int) -> tuple[Case, bool]:
    """The case after a blocked verdict, and whether it was a new violation.

    At most one violation per request, and one per session (else subject), category and `gap` seconds: hits of one
    conversation are correlated. A variation inside the gap marks the violation that it repeats, and adds none.
    """
    at = event.at.timestamp()
    key = crc32(f"{event.session or ''}|{event.category}".encode())
    hit = next((hit for hit in case.hits if hit.key == key and abs(at - hit.at) < gap), None)
    varied = _is_variation(case, event)
    noted = _noted(case, event)
    if hit is not None:
        return (_repeated(noted, hit) if varied and not hit.varied else noted), False
    noted = replace(noted, hits=(Hit(key, at, varied), *case.hits)[:REMEMBERED_HITS])
    request = crc32(event.request_id.encode())
    noted = replace(noted, categories=_counted(case.categories, str(event.category)))
    if request == case.request and case.violations:
        return noted, False
    weight, latest = add(case.weight, case.at, at=at, half_life=half_life)
    return replace(
        noted,
        weight=weight,
        at=latest,
        violations=case.violations + 1,
        severity=case.severity + (_SEVERITY_UNKNOWN if event.severity is None else event.severity),
        varied=case.varied + varied,
        unsignalled=case.unsignalled + 1,
        request=request,
        evidence=(event.event_id, *case.evidence)[:evidence_limit],
    ), True


def _is_variation(case: Case, event: Verdict) -> bool:
    if not (event.prompt_hash and case.prompt):
        return False
    return _prompt(event) != case.prompt and 0.0 <= event.at.timestamp() - case.prompt_at <= VARIATION_WITHIN


def _prompt(event: Verdict) -> int:
    return crc32(event.prompt_hash.encode()) if event.prompt_hash else 0


def _noted(case: Case, event: Verdict) -> Case:
    at = event.at.timestamp()
    stages = case.stages if event.stage in case.stages else (*case.stages, str(event.stage))
    if at < case.prompt_at:
        return replace(case, stages=stages)
    return replace(case, stages=stages, prompt=_prompt(event), prompt_at=at)


def _repeated(case: Case, hit: Hit) -> Case:
    hits = tuple(replace(other, varied=True) if other == hit else other for other in case.hits)
    return replace(case, varied=case.varied + 1, hits=hits)


def _counted(categories: Iterable[tuple[str, int]], category: str) -> tuple[tuple[str, int], ...]:
    counts = dict(categories)
    counts[category] = counts.get(category, 0) + 1
    return tuple(counts.items())
