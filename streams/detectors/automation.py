"""Finds subjects and api keys that ask like a program: too much, without rest, evenly, the same; it blocks nobody."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol
from zlib import crc32

from msgspec.structs import replace

from alerts.record import content_id
from alerts.signal import Scope, Signal
from policy.automation import AutomationPolicy
from streams.detectors.automation_report import expectation, statistic, words
from streams.detectors.automation_signs import HOUR, SLOT, Limits, Sign, after_pause, after_prompt, signs_of
from streams.detectors.automation_state import AutomationState, Pauses


class Request(Protocol):
    """What is read of a request, as `events.RequestLog` has it."""

    @property
    def event_id(self) -> str:
        """Unique within the tenant."""

    @property
    def tenant(self) -> str:
        """The customer organisation."""

    @property
    def subject(self) -> str:
        """The pseudonymised end user."""

    @property
    def api_key(self) -> str | None:
        """The pseudonymised credential."""

    @property
    def at(self) -> datetime:
        """Event time, aware."""

    @property
    def prompt_hash(self) -> str | None:
        """Keyed hash of the prompt, where known."""


@dataclass(frozen=True)
class Automation:
    """Five signs of a program; each is told when it first shows, and again when it still shows after `repeat_after`.

    Called once per request of a subject (`scope` subject) or of an api key, in the order of the log; every signal is
    of level review. Counts are of clock hours and UTC days; a late request counts in the running hour. Regularity and
    repetition are bets that win when a pause equals the one before, and when the first prompt of ten minutes is the
    one used most. Whoever does so no more often than `same_pauses` and `same_prompts` is told once in
    `false_alarm_every` requests or less often, whatever else the pauses and prompts are like.
    """

    policy: AutomationPolicy
    policy_version: str
    scope: Scope = "subject"

    def initial(self, key: str) -> AutomationState:
        """A subject or key that was never seen; `key` is `tenant|pseudonym`."""
        return AutomationState()

    def step(self, state: AutomationState, event: Request) -> tuple[AutomationState, tuple[Signal, ...]]:
        """Apply one request."""
        at = event.at.timestamp()
        subjects, limits = state.subjects, self._limits
        if self.scope == "api_key":
            subjects, limits = self._users(subjects, event.subject)
        hour, in_hour, in_day = state.hour, state.in_hour + 1, state.in_day + 1
        if at >= (hour + 1) * HOUR:
            hour, in_hour, in_day = _turned(hour, in_day, at)
        awake_since, pauses, prompts = state.awake_since, state.pauses, state.prompts
        pause = at - state.at
        if pause >= limits.rest:
            awake_since, pauses = int(at), Pauses(at)
        elif pause >= limits.shortest_pause:
            pauses = after_pause(pauses, at, limits=limits)
        elif pause < 0.0:
            at = state.at
        prompt = event.prompt_hash
        if prompt is not None and (prompts is None or at >= (prompts.slot + 1) * SLOT):
            prompts = after_prompt(prompts, prompt[:8], at=at, limits=limits)
        is_suspect = (
            in_hour + in_hour >= limits.in_hour
            or in_day + in_day >= limits.in_day
            or at - awake_since >= limits.awake
            or pauses.weak + pauses.strong >= _SUSPECT
            or (prompts is not None and prompts.evidence >= _SUSPECT)
        )
        evidence = (event.event_id, *state.evidence)[: self.policy.evidence_limit] if is_suspect else ()
        following = AutomationState(
            at, hour, in_hour, in_day, awake_since, pauses, prompts, state.told, state.told_at, evidence, subjects
        )
        return self._told(following, event, limits=limits) if is_suspect else (following, ())

    def _told(
        self, state: AutomationState, event: Request, *, limits: Limits
    ) -> tuple[AutomationState, tuple[Signal, ...]]:
        told = state.told if state.at - state.told_at < self._repeat_after else 0
        new = signs_of(state, limits) & ~told
        if not new:
            return state, ()
        state = replace(state, told=told | new, told_at=int(state.at))
        return state, (self._signal(state, event, sign=Sign(new & -new)),)

    def _signal(self, state: AutomationState, event: Request, *, sign: Sign) -> Signal:
        owner = event.subject if self.scope == "subject" else event.api_key or ""
        key = f"{event.tenant}|{owner}"
        return Signal(
            id=content_id("sig", "automation", key, sign.name or "", event.event_id),
            detector="automation",
            tenant=event.tenant,
            key=key,
            subject=owner,
            scope=self.scope,
            level="review",
            at=event.at,
            statistic=statistic(state, sign, policy=self.policy),
            evidence=state.evidence,
            expectation=expectation(state, sign, policy=self.policy),
            policy_version=self.policy_version,
            words=words(state, policy=self.policy, scope=self.scope),
        )

    def _users(self, subjects: tuple[int, ...], subject: str) -> tuple[tuple[int, ...], Limits]:
        """Who uses a key, at most one more than matters, and the limits that hold for so many."""
        if len(subjects) <= self.policy.key_subjects and (user := crc32(subject.encode())) not in subjects:
            subjects = (*subjects, user)
        return subjects, self._limits if len(subjects) <= self.policy.key_subjects else self._of_many

    @cached_property
    def _limits(self) -> Limits:
        return Limits.of(self.policy)

    @cached_property
    def _of_many(self) -> Limits:
        return self._limits.of_many()

    @cached_property
    def _repeat_after(self) -> float:
        return self.policy.repeat_after.total_seconds()


_SUSPECT = 1000.0
"""R from which event ids are kept."""


def _turned(hour: int, in_day: int, at: float) -> tuple[int, int, int]:
    """The hour of `at`, with its first request counted."""
    now = int(at // HOUR)
    return now, 1, in_day if now // 24 == hour // 24 else 1
