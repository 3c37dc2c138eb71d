"""What is watched across all partitions beside series: filters, api keys, links, activity and storage."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from alerts.signal import Signal
from broker.progress import Progress
from policy import LoadedPolicy
from streams.baseline_shelf import BaselineShelf
from streams.detectors.baselines import Baseline
from streams.detectors.filter_fault import FilterFault, FilterStep
from streams.detectors.filter_fault_state import FilterState
from streams.detectors.key_offender import KeyMinute, KeyOffender, KeyState
from streams.detectors.linked_accounts import LinkedAccounts, LinkState
from streams.detectors.silence import ActivityStep, Silence, SilenceState
from streams.detectors.unstored import Storage, Unstored
from streams.keyed import Keyed
from streams.series import LinkEvidence, Tally
from streams.steps import Closed, Shape, Steps

_MINUTE, _WEEK = timedelta(minutes=1), timedelta(days=7)
_FORGET_KEYS_AFTER = 10
"""Half-lives without a request after which an api key's totals are forgotten."""


class Watches:
    """One partition of what observers tell beside series."""

    def __init__(self, policy: LoadedPolicy, *, partitions: int) -> None:
        detectors, version = policy.policy.detectors, policy.version
        offender, fault, silence = detectors.repeat_offender, detectors.filter_fault, detectors.silence
        self._keys = KeyOffender(offender, version)
        self._steps: dict[str, Steps[Any, Any]] = {}
        """Kind of tally → its steps, where the policy wants them judged."""
        if fault.enabled:
            shape = Shape(3, fault.step // _MINUTE, partitions, b"f|", 4 * _WEEK // fault.step)
            self._steps["filter"] = Steps(FilterFault(fault, version), _filter_step, state=FilterState, shape=shape)
        if offender.enabled and "api_key" in offender.scopes:
            shape = Shape(4, 1, partitions, b"u|", _FORGET_KEYS_AFTER * offender.half_life // _MINUTE)
            self._steps["key"] = Steps(self._keys, _key_minute, state=KeyState, shape=shape)
        if silence.enabled:
            shape = Shape(1, silence.step // _MINUTE, partitions, b"q|", 4 * _WEEK // silence.step)
            self._steps["activity"] = Steps(Silence(silence, version), _activity_step, state=SilenceState, shape=shape)
        self._links = Keyed(LinkedAccounts(offender, version), state=LinkState, prefix=b"l|")
        self._storage = Keyed(Storage(silence, version), state=Unstored, prefix=b"o|")
        self._stores = silence.enabled
        self.baselines = BaselineShelf(self._know)
        kept = (self._links, self._storage, self.baselines)
        self._parts: tuple[Steps[Any, Any] | Keyed[Any, Any] | BaselineShelf, ...] = (*self._steps.values(), *kept)

    def __len__(self) -> int:
        return sum(map(len, self._steps.values())) + len(self._links) + len(self._storage)

    def take(self, offset: int, told: Tally | LinkEvidence | Progress) -> tuple[Signal, ...]:
        """What an observer or the archiver tells; totals are judged when their steps are over."""
        if isinstance(told, LinkEvidence):
            return self._links.apply(told.link, offset, told)
        if isinstance(told, Progress):
            key = f"storage|{told.topic}|{told.partition}"
            return self._storage.apply(key, offset, told) if self._stores else ()
        if told.kind in self._steps:
            self._steps[told.kind].tally(told, part=told.key.rpartition("|")[2] if told.kind == "filter" else "")
        return ()

    def judge(self, watermark: float, *, quiet_at: float) -> Iterator[Signal]:
        """Judge the steps that are over; those of activity are over by the clock when nothing comes at all."""
        for kind, steps in self._steps.items():
            yield from steps.judge(quiet_at if kind == "activity" else watermark)

    def _know(self, baseline: Baseline) -> None:
        self._keys = self._keys.with_baseline(baseline)
        if "key" in self._steps:
            self._steps["key"].detector = self._keys

    def changed(self) -> Iterator[tuple[bytes, bytes | None]]:
        """State records of whatever changed; clears the marks."""
        for part in self._parts:
            yield from part.changed()

    def restorers(self) -> dict[bytes, Callable[[bytes, bytes | None], None]]:
        """Prefix of state records → who takes them back."""
        return {part.prefix: part.restore for part in self._parts}


def _filter_step(step: Closed) -> FilterStep:
    evaluated, blocked, subjects = step.counts
    return FilterStep(step.key, step.part, step.start, evaluated, blocked, subjects, step.live)


def _key_minute(step: Closed) -> KeyMinute:
    return KeyMinute(step.key, step.start, *step.counts)


def _activity_step(step: Closed) -> ActivityStep:
    return ActivityStep(step.key, step.start, step.counts[0], step.live)
