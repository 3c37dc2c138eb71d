"""Accounts that share a link, judged together by the mean of their evidence; it acts against none of them.

The mean of e-values is an e-value however they depend on each other; their product would not be. See Vovk and Wang,
E-values: calibration, combination and applications, Annals of Statistics 49 (2021).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import exp, log
from typing import Protocol

import msgspec

from alerts.record import content_id
from alerts.signal import Signal, Statistic
from policy.repeat_offender import RepeatOffenderPolicy
from streams.detectors.mixture_cusum import log_mean
from streams.detectors.offence import MOST_MEMBERS

_NAMED = 5
"""Accounts named in the words, those with the most evidence."""


class Evidence(Protocol):
    """What is read of `streams.series.LinkEvidence`."""

    @property
    def link(self) -> str:
        """`tenant|kind:hash`."""

    @property
    def subject(self) -> str:
        """The account's pseudonym."""

    @property
    def at(self) -> float:
        """Event time, epoch seconds."""

    @property
    def log_e(self) -> float:
        """ln of the account's latest e-value; 0 when it first shows the link."""


class LinkState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One link: its accounts with their latest ln e. 256 accounts at most, about 40 bytes each."""

    members: dict[str, float] = {}
    others: int = 0
    """Accounts beyond them, taken as without any evidence; one may be counted twice, none is left out."""
    told: bool = False
    """A ticket was raised, and the mean has not fallen to half its bound (in logs) since."""


@dataclass(frozen=True)
class LinkedAccounts:
    """Mean evidence over all accounts of one link, against "all of them are benign".

    Called whenever an account's evidence changes, and when it first shows the link, in any order across accounts.
    Accounts without evidence count as well: so the mean speaks for whole links, and a shared network dilutes it.
    """

    policy: RepeatOffenderPolicy
    policy_version: str

    def initial(self, key: str) -> LinkState:
        """A link that was never seen; `key` is `tenant|kind:hash`."""
        return LinkState()

    def step(self, state: LinkState, event: Evidence) -> tuple[LinkState, tuple[Signal, ...]]:
        """Take one account's evidence in; links of a kind that the policy does not name change nothing."""
        tenant, _, link = event.link.partition("|")
        if link.partition(":")[0] not in self.policy.linking:
            return state, ()
        members, others = _with_member(state, event)
        accounts, value = len(members) + others, mean_of(members.values(), others)
        bound = log(self.policy.linked_at)
        above = accounts > 1 and value >= bound
        told = above or (state.told and value > bound / 2.0)
        after = LinkState(members, others, told)
        if not above or state.told:
            return after, ()
        return after, (self._signal(after, event, tenant=tenant, link=link),)

    def _signal(self, state: LinkState, event: Evidence, *, tenant: str, link: str) -> Signal:
        accounts, value = len(state.members) + state.others, mean_of(state.members.values(), state.others)
        key = f"{tenant}|link|{link}"
        return Signal(
            id=content_id("sig", "linked_accounts", key, event.subject, repr(event.at)),
            detector="linked_accounts",
            tenant=tenant,
            key=key,
            level="ticket",
            at=datetime.fromtimestamp(event.at, UTC),
            statistic=Statistic(
                name=f"ln mean e of {accounts} accounts", value=value, threshold=log(self.policy.linked_at)
            ),
            policy_version=self.policy_version,
            words=_words(state, link, mean=value, bound=self.policy.linked_at),
        )


def mean_of(log_es: Iterable[float], others: int) -> float:
    """ln of the mean e over the accounts, `others` of them with e = 0.

    >>> round(mean_of([2.0, 2.0], 2), 6)
    1.306853
    """
    logs = tuple(log_es)
    return log_mean(logs) + log(len(logs) / (len(logs) + others))


def _with_member(state: LinkState, event: Evidence) -> tuple[dict[str, float], int]:
    members = {**state.members, event.subject: event.log_e}
    if len(members) <= MOST_MEMBERS:
        return members, state.others
    del members[min(members, key=lambda name: (members[name], name))]
    return members, state.others + 1


def _words(state: LinkState, link: str, *, mean: float, bound: float) -> str:
    kind, _, name = link.partition(":")
    ranked = sorted(state.members.items(), key=lambda member: (-member[1], member[0]))
    named = ", ".join(f"{subject} ({_times(one)})" for subject, one in ranked[:_NAMED] if one > 0.0)
    accounts = len(ranked) + state.others
    return (
        f"{accounts} accounts share the {kind} {name[:12]}. Averaged over all of them, what they sent is {_times(mean)}"
        f" times more likely of somebody who keeps triggering blocks than of typical users; the bound is {bound:,.0f}. "
        f"That speaks against one of them at least, not against each. Most of it comes from {named}."
    )


def _times(log_e: float) -> str:
    return f"{float(f'{exp(log_e):.2g}'):,.0f}"
