"""What a person is told about a finding of the repeat-offender detector; every number in it is part of the state."""

from datetime import UTC, datetime
from math import exp
from typing import NamedTuple

from alerts.signal import FourNumbers, Scope
from policy.duration import spell
from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.anytime import bernoulli_range
from streams.detectors.confidence import wilson
from streams.detectors.offender_finding import Finding
from streams.detectors.offender_state import Case, OffenderState

_LOOKED_AT = 100
"""Requests at which the range that holds at all times is tightest: chosen before the data."""


class Account(NamedTuple):
    """What one key has done since it is remembered; nothing in it is decayed."""

    scope: Scope
    since: float
    """Epoch seconds."""
    until: float
    requests: int
    violations: int
    severity: int
    """Sum over the violations."""
    varied: int
    categories: tuple[tuple[str, int], ...] = ()
    """With their blocked requests, most frequent first."""
    evidence: int | None = None
    """How many events are listed; none where only totals are known."""


def account_of(state: OffenderState, case: Case, scope: Scope) -> Account:
    """A subject's or session's account."""
    return Account(
        scope,
        since=state.since,
        until=state.at,
        requests=max(state.requests, case.violations),
        violations=case.violations,
        severity=case.severity,
        varied=case.varied,
        categories=tuple(sorted(case.categories, key=lambda counted: (-counted[1], counted[0]))),
        evidence=len(case.evidence),
    )


def four_numbers(account: Account) -> FourNumbers:
    """How many, what share, how grave and how intentional; none of them decayed."""
    return FourNumbers(
        count=account.violations,
        requests=account.requests,
        share=account.violations / account.requests,
        gravity=account.severity / account.violations,
        intent=account.varied / account.violations,
    )


def words(account: Account, found: Finding, policy: RepeatOffenderPolicy) -> str:
    """The statement that the affected person can read; the ids of the events are the signal's evidence."""
    reason = _turned(account, found, policy) if found.by_turn else _above(account, found, policy)
    return " ".join(filter(None, (_happened(account), reason, _listed(account))))


def _happened(account: Account) -> str:
    kinds = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in account.categories)
    gravity = f"mean severity {account.severity / account.violations:.1f} of 3"
    whose = {
        "subject": f"your {account.requests} requests",
        "session": f"the {account.requests} requests of this session",
        "api_key": f"the {account.requests} requests made with this API key",
    }[account.scope]
    return (
        f"Between {_minute(account.since)} and {_minute(account.until)}, {account.violations} of {whose} "
        f"were blocked ({'; '.join(filter(None, (kinds, gravity)))}),"
    )


def _above(account: Account, found: Finding, policy: RepeatOffenderPolicy) -> str:
    low, high = wilson(account.violations, account.requests)
    prior, baseline = found.yardstick
    source = f" (baseline {baseline})" if baseline else ""
    return (
        f"or {_percent(account.violations / account.requests)} (95 % range {_percent(low)} to {_percent(high)}). "
        f"Typical {_whose_plural(account)}: {_percent(prior.violations / prior.requests)}{source}. "
        f"Given that, and with older requests counting half after {spell(policy.half_life)}, the probability that "
        f"{_whose(account)} blocked rate exceeds the permitted {_percent(policy.permitted_rate)} is "
        f"{_certainty(found.probability)}."
    )


def _turned(account: Account, found: Finding, policy: RepeatOffenderPolicy) -> str:
    low, high = bernoulli_range(account.violations, account.requests, t_opt=_LOOKED_AT)
    return (
        f"which puts {_whose(account)} mean blocked rate between {_percent(low)} and {_percent(high)} (95 %, "
        f"whenever one looks). The latest requests are {_odds(found.log_e)} times more likely of somebody who keeps "
        f"triggering blocks than of a typical user; the bound is {policy.turned_at:,.0f} times."
    )


def _listed(account: Account) -> str:
    return "" if account.evidence is None else f"The events used are listed as evidence ({account.evidence})."


def _whose(account: Account) -> str:
    return {"subject": "your", "session": "its", "api_key": "its"}[account.scope]


def _whose_plural(account: Account) -> str:
    return {"subject": "users", "session": "sessions", "api_key": "keys"}[account.scope]


def _minute(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _certainty(probability: float) -> str:
    return "more than 99.99 %" if probability > 0.9999 else f"{100 * probability:.2f} %"


def _odds(log_e: float) -> str:
    return f"{float(f'{exp(log_e):.2g}'):,.0f}"
