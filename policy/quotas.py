"""Quotas: how many measures a detector may take against a tenant's subjects in a while; it counts none of them."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from policy.duration import Duration, at_least
from policy.ladder import Action
from policy.rule_filter import Finding, suggest
from policy.section import Section

ANY_DETECTOR = "default"
MOST_QUOTAS = 256
MOST_MEASURES = 10_000
LONGEST_WINDOW = timedelta(days=30)


class QuotaPolicy(Section):
    """One detector's limit for one measure. What is beyond it is held for people to look at, and they are told."""

    detector: Annotated[str, Field(max_length=69)] = ANY_DETECTOR
    """The detector, or `rule.<name>`; `default`: every other, each by itself."""
    measure: Action
    """What is limited."""
    at_most: Annotated[int, Field(ge=1, le=MOST_MEASURES)]
    """So many in any window, per tenant; shared out evenly over the partitions, rounded up."""
    window: Annotated[Duration, at_least(timedelta(minutes=1))] = timedelta(days=1)
    """Length of the sliding window in event time, at most 30d."""


DEFAULT_QUOTAS = (
    QuotaPolicy(measure="throttle", at_most=1000),
    QuotaPolicy(measure="suspend", at_most=500),
    QuotaPolicy(measure="ban", at_most=50),
)
"""Several times what a tenant of 20,000 users sees in a day; docs/enforcement.md has the figures."""


def findings_in_quotas(quotas: tuple[QuotaPolicy, ...], *, acting: Collection[str]) -> Iterator[Finding]:
    """What is wrong with quotas in a document whose detectors in `acting` take measures."""
    known = (ANY_DETECTOR, *acting)
    for index, quota in enumerate(quotas):
        if quota.detector not in known:
            yield ("quotas", index, "detector"), "no such detector takes measures" + suggest(quota.detector, known)
        if quota.window > LONGEST_WINDOW:
            yield ("quotas", index, "window"), "the longest window is 30d"
        if any((one.detector, one.measure) == (quota.detector, quota.measure) for one in quotas[:index]):
            yield ("quotas", index), "another quota is about this measure of this detector"
