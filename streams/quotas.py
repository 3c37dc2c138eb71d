"""The quotas of one lane: its share of each, and what is left of it. It decides nothing; alerts.decide asks it."""

from collections.abc import Iterator
from math import ceil

from alerts.decide import Quota
from alerts.decision import MEASURES, Decision, Held, Measure
from alerts.quota import ONCE, Limit, Mark, Spending, spent_by, used_up
from alerts.signal import Signal
from policy import LoadedPolicy
from policy.mode import Mode


class Quotas:
    """What the detectors of one partition have taken. Subjects are spread evenly, and so is each quota, rounded up."""

    def __init__(self, policy: LoadedPolicy, *, partitions: int) -> None:
        self._policy = policy
        self._partitions = partitions
        self._spent: dict[str, Spending] = {}
        self._dirty: dict[str, Limit] = {}

    def left(self, signal: Signal, place: int) -> Quota:
        """What the signal's detector may still take, by what came before the offset `place`."""
        mark, mode = Mark(place, signal.at), self._policy.policy.mode_of(signal.detector)
        limits = {measure: self._limit(signal.detector, measure) for measure in MEASURES}
        return Quota(
            {
                measure: limit.left(self._spending(signal, measure, mode).taken, mark)
                for measure, limit in limits.items()
                if limit
            }
        )

    def note(self, signal: Signal, concluded: Decision | Held, *, place: int) -> Signal | None:
        """Count what was concluded. Returns what people are told when a quota is found used up, once in its window."""
        mode = self._policy.policy.mode_of(signal.detector)
        if measure := spent_by(concluded):
            limit, spending = self._limit(signal.detector, measure), self._spending(signal, measure, mode)
            if limit:
                self._keep(spending.taking(Mark(place, signal.at)), limit)
        elif isinstance(concluded, Held) and concluded.reason == "quota" and concluded.would:
            return self._tell(signal, self._spending(signal, concluded.would, mode), place)
        return None

    def _tell(self, signal: Signal, spending: Spending, place: int) -> Signal | None:
        limit, mark = self._limit(spending.detector, spending.measure), Mark(place, signal.at)
        if limit is None or not Limit(ONCE, limit.window).left(spending.told, mark):
            return None
        self._keep(spending.telling(mark), limit)
        return used_up(signal, spending, limit=limit, version=self._policy.version)

    def changed(self, start: int) -> Iterator[tuple[str, bytes]]:
        """Keys and values that changed since the last call, without what no signal from the offset `start` on needs."""
        for key, limit in self._dirty.items():
            self._spent[key] = self._spent[key].needed(limit, start)
            yield key, self._spent[key].model_dump_json().encode()
        self._dirty.clear()

    def restore(self, key: str, value: bytes) -> None:
        """Take one record back."""
        self._spent[key] = Spending.model_validate_json(value)

    def _limit(self, detector: str, measure: Measure) -> Limit | None:
        quota = self._policy.policy.quota_of(detector, measure)
        return Limit(ceil(quota.at_most / self._partitions), quota.window) if quota else None

    def _spending(self, signal: Signal, measure: Measure, mode: Mode) -> Spending:
        new = Spending(tenant=signal.tenant, detector=signal.detector, measure=measure, mode=mode)
        return self._spent.get(new.key, new)

    def _keep(self, spending: Spending, limit: Limit) -> None:
        self._spent[spending.key] = spending
        self._dirty[spending.key] = limit
