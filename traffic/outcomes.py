"""What can become of a request, and how likely: findings per stage and how the answer ended; no JSON here."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Ending = Literal["answered", "refused", "stopped", "failed"]
"""Answered in full, prompt refused (HTTP 400), completion stopped by the filter, or failed for another reason."""

SEVERITIES = ("hate", "self_harm", "sexual", "violence")
STRIKING = ("hate", "sexual", "violence", "jailbreak")
"""Azure's names of the categories that offenders go for; self-harm is care, never a strike."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One category in which the filter found something."""

    stage: Literal["prompt", "completion"]
    key: str
    """Azure's name of the category."""
    severity: Literal["low", "medium", "high"] | None
    """None for categories that are only detected or not."""
    filtered: bool = False
    """The content was blocked for it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the filters found, and how the request ended."""

    ending: Ending
    findings: tuple[Finding, ...] = ()
    status: int = 200
    """The provider's HTTP status."""


def _refused(*findings: Finding) -> Outcome:
    return Outcome("refused", findings, status=400)


CLEAN = Outcome("answered")
VIOLENT_PROMPT = Outcome("answered", (Finding("prompt", "violence", "low"),))
CITED_CODE = Outcome("answered", (Finding("completion", "protected_material_code", None),))
JAILBREAK = _refused(Finding("prompt", "jailbreak", None, filtered=True))
VIOLENT_JAILBREAK = _refused(
    Finding("prompt", "jailbreak", None, filtered=True), Finding("prompt", "violence", "medium", filtered=True)
)
BUSY, BROKEN = Outcome("failed", status=429), Outcome("failed", status=500)
_PROMPT_ANNOTATED = {key: Outcome("answered", (Finding("prompt", key, "low"),)) for key in SEVERITIES}
_COMPLETION_ANNOTATED = {key: Outcome("answered", (Finding("completion", key, "low"),)) for key in SEVERITIES}

_ANNOTATED_SHARE = {"hate": 0.005, "self_harm": 0.002, "sexual": 0.005, "violence": 0.03}
VIOLENCE_SHARE = _ANNOTATED_SHARE["violence"]
_UNBLOCKED: dict[Outcome, float] = {
    **{_PROMPT_ANNOTATED[key]: share for key, share in _ANNOTATED_SHARE.items()},
    **{_COMPLETION_ANNOTATED[key]: share / 2 for key, share in _ANNOTATED_SHARE.items()},
    CITED_CODE: 0.001,
    BUSY: 0.002,
    BROKEN: 0.0005,
}


def _blocked(key: str) -> dict[Outcome, float]:
    """How a block in one category comes about: mostly on the prompt, mostly at medium severity."""
    if key == "jailbreak":
        return {JAILBREAK: 0.7, VIOLENT_JAILBREAK: 0.3}
    return {
        _refused(Finding("prompt", key, "medium", filtered=True)): 0.64,
        _refused(Finding("prompt", key, "high", filtered=True)): 0.21,
        Outcome("stopped", (Finding("completion", key, "medium", filtered=True),)): 0.11,
        Outcome("stopped", (Finding("completion", key, "high", filtered=True),)): 0.04,
    }


_PROFILES: tuple[dict[str, float], ...] = (
    {"hate": 0.25, "sexual": 0.3, "violence": 0.2, "self_harm": 0.1, "jailbreak": 0.15},
    *({key: 0.7 if key == favourite else 0.1 for key in STRIKING} for favourite in STRIKING),
)
BENIGN_PROFILE = 0
OFFENDER_PROFILES = tuple(range(1, len(_PROFILES)))

OUTCOMES: tuple[Outcome, ...] = (
    CLEAN,
    *_UNBLOCKED,
    *(outcome for key in _PROFILES[BENIGN_PROFILE] for outcome in _blocked(key)),
)
"""Every outcome; requests refer to them by index."""

_INDEX = {outcome: index for index, outcome in enumerate(OUTCOMES)}
IS_BLOCKED = np.array([outcome.ending in ("refused", "stopped") for outcome in OUTCOMES])
IS_REFUSED = np.array([outcome.ending == "refused" for outcome in OUTCOMES])
IS_ANSWERED = np.array([outcome.ending == "answered" for outcome in OUTCOMES])
CLEAN_INDEX, VIOLENT_PROMPT_INDEX = _INDEX[CLEAN], _INDEX[VIOLENT_PROMPT]


def _bounds(share: dict[Outcome, float], *, rest: float) -> NDArray[np.float64]:
    weights = np.zeros(len(OUTCOMES))
    weights[CLEAN_INDEX] = rest
    for outcome, part in share.items():
        weights[_INDEX[outcome]] += part
    bounds = np.cumsum(weights)
    return np.asarray(bounds / bounds[-1])


_UNBLOCKED_BOUNDS = _bounds(_UNBLOCKED, rest=1 - sum(_UNBLOCKED.values()))
_BLOCKED_BOUNDS = np.stack(
    [
        _bounds(
            {outcome: part * share for key, share in profile.items() for outcome, part in _blocked(key).items()},
            rest=0.0,
        )
        for profile in _PROFILES
    ]
)


def draw_outcomes(blocked: NDArray[np.bool_], profile: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int64]:
    """An index into OUTCOMES per request, given whether it is blocked and its user's profile."""
    chance = rng.random(blocked.size)
    drawn = np.searchsorted(_UNBLOCKED_BOUNDS, chance, side="right")
    hits = np.flatnonzero(blocked)
    drawn[hits] = (_BLOCKED_BOUNDS[profile[hits]] <= chance[hits, None]).sum(axis=1)
    return drawn
