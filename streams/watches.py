"""What is watched across all partitions beside series: filters, api keys, links, activity and storage."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from alerts.signal import Signal
from broker.progress import Progress
from policy import LoadedPolicy
from streams.detectors.baselines import Baseline
from streams.detectors.filter_fault import FilterFault, FilterStep
from streams.detectors.filter_fault_state import FilterState
from streams.detectors.key_offender import KeyMinute, KeyOffender, KeyState
from streams.detectors.linked_accounts import LinkedAccounts, LinkState
from streams.detectors.silence import ActivityStep, Silence, SilenceState
from streams.detectors.unstored import Storage, Unstored
from streams.judges import decode_baseline
from streams.keyed import Keyed
from streams.series import LinkEvidence, Tally
from streams.steps import Closed, Shape, Steps

_MINUTE, _WEEK = timedelta(minutes=1), timedelta(days=7)
_FORGET_KEYS_AFTER = 10
"""Half-lives without a request after which an api key's totals are forgotten."""


@dataclass
class _Kinds:
    """The steps of every kind of tally that the policy wants judged."""

    filters: Steps[FilterState, FilterStep] | None
    keys: Steps[KeyState, KeyMinute] | None
    activity: Steps[SilenceState, ActivityStep] | None


class Watches:
    """One partition of what observers tell beside series."""

    def __init__(self, policy: LoadedPolicy, *, partitions: int) -> None:
        detectors, version = policy.policy.detectors, policy.version
        offender, fault, silence = detectors.repeat_offender, detectors.filter_fault, detectors.silence
        self._keys = KeyOffender(offender, version)
        self._filters = FilterFault(fault, version)
        self._silence = Silence(silence, version)
        minutes = silence.step // _MINUTE
        shapes = {
            b"f|": Shape(3, fault.step // _MINUTE, partitions, b"f|", 4 * _WEEK // fault.step),
            b"u|": Shape(4, 1, partitions, b"u|", _FORGET_KEYS_AFTER * offender.half_life // _MINUTE),
            b"q|": Shape(1, minutes, partitions, b"q|", 4 * _WEEK // silence.step),
        }
        by_key = offender.enabled and "api_key" in offender.scopes
        self._kinds = _Kinds(
            Steps(self._filters, _filter_step, state=FilterState, shape=shapes[b"f|"]) if fault.enabled else None,
            Steps(self._keys, _key_minute, state=KeyState, shape=shapes[b"u|"]) if by_key else None,
            Steps(self._silence, _activity_step, state=SilenceState, shape=shapes[b"q|"]) if silence.enabled else None,
        )
        self._links = Keyed(LinkedAccounts(offender, version), state=LinkState, prefix=b"l|")
        self._storage = Keyed(Storage(silence, version), state=Unstored, prefix=b"o|")
        self._stores = silence.enabled
        self._baselines: dict[str, Baseline] = {}
        self._new_baselines: list[Baseline] = []

    def __len__(self) -> int:
        return sum(map(len, self._parts()))

    def take(self, offset: int, told: Tally | LinkEvidence | Progress) -> tuple[Signal, ...]:
        """What an observer or the archiver tells; totals are judged when their steps are over."""
        if isinstance(told, LinkEvidence):
            return self._links.apply(told.link, offset, told)
        if isinstance(told, Progress):
            key = f"storage|{told.topic}|{told.partition}"
            return self._storage.apply(key, offset, told) if self._stores else ()
        steps: Steps[Any, Any] | None = {
            "filter": self._kinds.filters,
            "key": self._kinds.keys,
            "activity": self._kinds.activity,
        }.get(told.kind)
        if steps is not None:
            steps.tally(told, part=told.key.rpartition("|")[2] if told.kind == "filter" else "")
        return ()

    def judge(self, watermark: float, *, quiet_at: float) -> Iterator[Signal]:
        """Judge the steps that are over; those of activity are over by the clock when nothing comes at all."""
        for steps, until in (
            (self._kinds.filters, watermark),
            (self._kinds.keys, watermark),
            (self._kinds.activity, quiet_at),
        ):
            if steps is not None:
                yield from steps.judge(until)

    def baseline(self, value: bytes) -> None:
        """Know one more prior for api keys; what cannot be read changes nothing."""
        baseline = decode_baseline(value)
        if baseline is None or baseline.id in self._baselines:
            return
        self._baselines[baseline.id] = baseline
        self._new_baselines.append(baseline)
        self._keys = self._keys.with_baseline(baseline)
        if self._kinds.keys is not None:
            self._kinds.keys.detector = self._keys

    def _parts(self) -> tuple[Steps[Any, Any] | Keyed[Any, Any], ...]:
        kinds = (self._kinds.filters, self._kinds.keys, self._kinds.activity)
        return (*(one for one in kinds if one is not None), self._links, self._storage)

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records of whatever changed; clears the marks."""
        for part in self._parts():
            yield from part.changed()
        for baseline in self._new_baselines:
            yield b"w|" + baseline.id.encode(), baseline.model_dump_json().encode()
        self._new_baselines.clear()

    def restorers(self) -> dict[bytes, Callable[[bytes, bytes | None], None]]:
        """Prefix of state records → who takes them back."""
        kinds: dict[bytes, Steps[Any, Any] | None] = {
            b"f|": self._kinds.filters,
            b"u|": self._kinds.keys,
            b"q|": self._kinds.activity,
        }
        return {
            **{prefix: steps.restore for prefix, steps in kinds.items() if steps is not None},
            b"l|": self._links.restore,
            b"o|": self._storage.restore,
            b"w|": self._restore_baseline,
        }

    def _restore_baseline(self, _key: bytes, value: bytes | None) -> None:
        if value is not None:
            self.baseline(value)
            self._new_baselines.clear()


def _filter_step(step: Closed) -> FilterStep:
    evaluated, blocked, subjects = step.counts
    return FilterStep(step.key, step.part, step.start, evaluated, blocked, subjects, step.live)


def _key_minute(step: Closed) -> KeyMinute:
    return KeyMinute(step.key, step.start, *step.counts)


def _activity_step(step: Closed) -> ActivityStep:
    return ActivityStep(step.key, step.start, step.counts[0], step.live)
