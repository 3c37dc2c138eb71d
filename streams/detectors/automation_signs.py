"""The signs of a program and the limits beyond which they are one; it keeps nothing and tells nobody."""

from enum import IntFlag
from math import inf

import msgspec
from msgspec.structs import replace

from policy.automation import AutomationPolicy
from streams.detectors.automation_state import AutomationState, Pauses, Prompts

HOUR = 3600
SLOT = 600
"""Seconds in which only the first prompt counts: a retry is no repetition."""
_WEAK, _STRONG = 0.3, 0.7
_MOST_VOTES = 50


class Sign(IntFlag):
    """What a person does not do."""

    HOUR = 1
    """Too many requests in an hour."""
    DAY = 2
    """Too many requests in a day."""
    AWAKE = 4
    """No rest."""
    REGULAR = 8
    """Pauses as long as the one before."""
    REPEATED = 16
    """The same prompt again and again."""


class Limits(msgspec.Struct, frozen=True, gc=False):
    """A policy's limits in the units of the state, and what its bets multiply by."""

    in_hour: float
    in_day: float
    awake: float
    rest: float
    shortest_pause: float
    same_pause: float
    evidence: float
    """R from which regularity and repetition are signs."""
    weak: tuple[float, float]
    """By which a small bet on equal pauses multiplies when it loses, and when it wins."""
    strong: tuple[float, float]
    prompts: tuple[float, float]

    @classmethod
    def of(cls, policy: AutomationPolicy) -> "Limits":
        """The limits of one person."""
        return cls(
            in_hour=policy.requests_per_hour,
            in_day=policy.requests_per_day,
            awake=policy.awake.total_seconds(),
            rest=policy.rest.total_seconds(),
            shortest_pause=policy.shortest_pause.total_seconds(),
            same_pause=policy.same_pause,
            evidence=float(policy.false_alarm_every),
            weak=_bet(_WEAK, policy.same_pauses),
            strong=_bet(_STRONG, policy.same_pauses),
            prompts=_bet(_STRONG, policy.same_prompts),
        )

    def of_many(self) -> "Limits":
        """The limits of a key that many use: how much they ask, and how long, is no sign."""
        return replace(self, in_hour=inf, in_day=inf, awake=inf)


def _bet(stake: float, chance: float) -> tuple[float, float]:
    """1 + stake * (x - chance) / chance for x = 0 and 1: its mean is at most 1 while P(x = 1) is at most `chance`.

    >>> _bet(0.5, 0.25)
    (0.5, 2.5)
    """
    return 1.0 - stake, 1.0 + stake * (1.0 - chance) / chance


def after_pause(pauses: Pauses, at: float, *, limits: Limits) -> Pauses:
    """A burst begins at `at`: bet on its pause being as long as the one before."""
    pause, last = at - pauses.start, pauses.last
    if last == 0.0:
        return Pauses(at, pause)
    same = pause <= last * limits.same_pause and last <= pause * limits.same_pause
    weak, strong = (pauses.weak + 1.0) * limits.weak[same], (pauses.strong + 1.0) * limits.strong[same]
    if weak + strong < 2.0:
        return Pauses(at, pause, weak, strong)
    most = 4.0 * limits.evidence
    since = pauses.since or int(pauses.start)
    return Pauses(at, pause, min(weak, most), min(strong, most), since, pauses.judged + 1, pauses.same + same)


def after_prompt(prompts: Prompts | None, prompt: str, *, at: float, limits: Limits) -> Prompts:
    """Ten minutes begin with a prompt: bet on the one that most of them began with."""
    slot = int(at // SLOT)
    if prompts is None or not prompts.votes:
        return Prompts(slot, prompt, 1, prompts.evidence if prompts else 0.0)
    same = prompt == prompts.prompt
    votes = min(prompts.votes + 1, _MOST_VOTES) if same else prompts.votes - 1
    evidence = min((prompts.evidence + 1.0) * limits.prompts[same], 4.0 * limits.evidence)
    if evidence < 1.0:
        return Prompts(slot, prompts.prompt, votes, evidence)
    since = prompts.since or prompts.slot * SLOT
    return Prompts(slot, prompts.prompt, votes, evidence, since, prompts.judged + 1, prompts.same + same)


def signs_of(state: AutomationState, limits: Limits) -> int:
    """The bits of the signs that the state shows now, as plain integers: `Sign` is slow to add up."""
    prompts = state.prompts
    return (
        (state.in_hour >= limits.in_hour)
        | (state.in_day >= limits.in_day) << 1
        | (state.at - state.awake_since >= limits.awake) << 2
        | (state.pauses.weak + state.pauses.strong >= 2.0 * limits.evidence) << 3
        | (prompts is not None and prompts.evidence >= limits.evidence) << 4
    )
