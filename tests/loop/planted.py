"""Planted abnormalities, made directly as verdicts of many users: a category that spikes, and answers that drift."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from loop.traffic_input import KEYS

from events import Category, FilterVerdict, ScoreKind, Stage, State
from events.pseudonym import Pseudonymiser

TENANT = "acme"
_USERS = 40
_MINUTE = timedelta(minutes=1)


def spike(start: datetime, *, minutes: int, spike_at: int, spike_minutes: int) -> Iterator[FilterVerdict]:
    """About four hits a minute, and sixty a minute while the spike lasts; all of them only detected, none blocked."""
    for minute in range(minutes):
        hits = 60 if spike_at <= minute < spike_at + spike_minutes else 3 + minute % 3
        for number in range(hits):
            at = start + minute * _MINUTE + number * _MINUTE / hits
            yield verdict(
                f"spike-{minute}-{number}",
                at,
                user=minute * 7 + number,
                category=Category.VIOLENCE,
                provider_category="violence",
                stage=Stage.PROMPT,
                state=State.DETECTED,
                severity=1,
            )


def drift(start: datetime, *, scores: int, falls_at: int, every: timedelta) -> Iterator[FilterVerdict]:
    """Groundedness around 0.9, and around 0.5 from the score `falls_at` on."""
    chance = random.Random(1)
    for number in range(scores):
        yield verdict(
            f"drift-{number}",
            start + number * every,
            user=number * 3,
            category=Category.UNGROUNDED,
            provider_category="groundedness",
            stage=Stage.COMPLETION,
            state=State.CLEAN,
            score=round((0.9 if number < falls_at else 0.5) + chance.uniform(-0.05, 0.05), 3),
            score_kind=ScoreKind.GROUNDED,
        )


def verdict(name: str, at: datetime, *, user: int, **finding: Any) -> FilterVerdict:
    """One verdict on a request of its own."""
    subject = Pseudonymiser(KEYS).pseudonym(TENANT, "subject", f"user-{user % _USERS}")
    return FilterVerdict(
        event_id=name,
        request_id=f"{name}-request",
        at=at,
        tenant=TENANT,
        subject=subject,
        provider="azure.openai",
        model="gpt-4.1",
        filter="azure-content-filter",
        **finding,
    )
