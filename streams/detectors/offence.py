"""How one blocked verdict changes a subject's case: a new violation or the repetition of one; it judges nobody."""

from collections.abc import Iterable
from math import log
from typing import NamedTuple
from zlib import crc32

from msgspec.structs import replace

from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.decay import add
from streams.detectors.offender_state import REMEMBERED_CHARGES, REMEMBERED_FILTERS, REMEMBERED_HITS, Case, Hit
from streams.detectors.severity_cusum import (
    Weights,
    grade_of,
    gravity_of,
    weights,
    with_graver,
    with_repetition,
    with_violation,
)
from streams.detectors.variation import resemblance, sketch
from streams.detectors.verdict import Verdict

MOST_MEMBERS = 256
"""Accounts of a link whose evidence is remembered: one that is certain must still carry the mean over all of them."""


class Counting(NamedTuple):
    """What counts as what; durations in seconds."""

    gap: float
    half_life: float
    evidence_limit: int
    varied_within: float
    varied_from: float
    weights: Weights


def counting(policy: RepeatOffenderPolicy) -> Counting:
    """The policy's rules in the units of the detector."""
    ceiling = log(policy.turned_at) + log(MOST_MEMBERS)
    return Counting(
        gap=policy.violation_gap.total_seconds(),
        half_life=policy.half_life.total_seconds(),
        evidence_limit=policy.evidence_limit,
        varied_within=policy.variation_within.total_seconds(),
        varied_from=policy.variation_similarity,
        weights=weights(policy.benign_shares, policy.offender_profiles, ceiling=ceiling),
    )


def after_block(case: Case, event: Verdict, rules: Counting, *, requests: int) -> tuple[Case, bool]:
    """The case after a blocked verdict, and whether it adds to the charge: a new violation, or a graver one.

    At most one violation per request, and one per session (else subject), category and gap: hits of one conversation
    are correlated. A variation inside the gap marks the violation that it repeats, and adds none. A request is as grave
    as the gravest of its verdicts. `requests` of the subject so far include this one.
    """
    at = event.at.timestamp()
    request = crc32(event.request_id.encode())
    key = crc32(f"{event.session or ''}|{event.category}".encode())
    hit = next((hit for hit in case.hits if hit.key == key and abs(at - hit.at) < rules.gap), None)
    drawn = sketch(event.prompt_shingles) if event.prompt_hash and event.prompt_shingles else b""
    varied = _is_variation(case, event, drawn=drawn, rules=rules)
    noted = _noted(case, event, drawn)
    is_charged = case.violations > 0 and (request == case.request or request in case.charged)
    if hit is None:
        hits, categories = (Hit(key, at, varied), *case.hits), _counted(case.categories, str(event.category))
        noted = replace(noted, hits=hits[:REMEMBERED_HITS], categories=categories)
    elif not is_charged:
        return _repeated(noted, hit if varied and not hit.varied else None, request), False
    if is_charged:
        return _aggravated(noted, event, rules) if request == case.request else (noted, False)
    return _violated(noted, event, rules, varied=varied, requests=requests), True


def _violated(case: Case, event: Verdict, rules: Counting, *, varied: bool, requests: int) -> Case:
    request, grade = crc32(event.request_id.encode()), grade_of(event.severity)
    weight, latest = add(case.weight, case.at, at=event.at.timestamp(), half_life=rules.half_life)
    return replace(
        case,
        weight=weight,
        at=latest,
        violations=case.violations + 1,
        severity=case.severity + gravity_of(grade),
        varied=case.varied + varied,
        unsignalled=case.unsignalled + 1,
        request=request,
        charged=(case.request, *case.charged)[:REMEMBERED_CHARGES] if case.violations else (),
        evidence=(event.event_id, *case.evidence)[: rules.evidence_limit],
        turn=with_violation(case.turn, rules.weights, requests=requests, request=request, grade=grade),
        filters=_with_filter(case.filters, event),
    )


def _aggravated(case: Case, event: Verdict, rules: Counting) -> tuple[Case, bool]:
    grade = grade_of(event.severity)
    more = gravity_of(grade) - gravity_of(case.turn.grade)
    if event.severity is None or more <= 0:
        return case, False
    return replace(
        case,
        severity=case.severity + more,
        evidence=(event.event_id, *case.evidence[1:]),
        turn=with_graver(case.turn, rules.weights, grade),
        filters=_with_filter(case.filters, event),
    ), True


def _repeated(case: Case, marked: Hit | None, request: int) -> Case:
    """The case after a request that was blocked within the gap; `marked`: the violation that it varies."""
    case = replace(case, turn=with_repetition(case.turn, request))
    if marked is None:
        return case
    hits = tuple(replace(other, varied=True) if other == marked else other for other in case.hits)
    return replace(case, varied=case.varied + 1, hits=hits)


def _is_variation(case: Case, event: Verdict, *, drawn: bytes, rules: Counting) -> bool:
    if not (event.prompt_hash and case.prompt) or _prompt(event) == case.prompt:
        return False
    if not 0.0 <= event.at.timestamp() - case.prompt_at <= rules.varied_within:
        return False
    return not (drawn and case.sketch) or resemblance(drawn, case.sketch) >= rules.varied_from


def _prompt(event: Verdict) -> int:
    return crc32(event.prompt_hash.encode()) if event.prompt_hash else 0


def _noted(case: Case, event: Verdict, drawn: bytes) -> Case:
    at = event.at.timestamp()
    stages = case.stages if event.stage in case.stages else (*case.stages, str(event.stage))
    if at < case.prompt_at:
        return replace(case, stages=stages)
    return replace(case, stages=stages, prompt=_prompt(event), prompt_at=at, sketch=drawn)


def _with_filter(filters: tuple[str, ...], event: Verdict) -> tuple[str, ...]:
    name = f"{event.filter}@{event.filter_version}" if event.filter_version else event.filter
    if filters[:1] == (name,):
        return filters
    return (name, *(other for other in filters if other != name))[:REMEMBERED_FILTERS]


def _counted(categories: Iterable[tuple[str, int]], category: str) -> tuple[tuple[str, int], ...]:
    counts = dict(categories)
    counts[category] = counts.get(category, 0) + 1
    return tuple(counts.items())
