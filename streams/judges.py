"""Everything that looks at single events of one partition: detectors of subjects, sessions and keys, links, rules."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from alerts.signal import Signal
from events import State
from events.topics import EVENT_TOPICS, FILTER_VERDICTS, REQUEST_LOGS
from policy import LoadedPolicy
from streams.baseline_shelf import BaselineShelf
from streams.blocks import Blocks
from streams.detectors.automation import Automation
from streams.detectors.automation_state import AutomationState
from streams.detectors.baselines import Baseline
from streams.detectors.offender_state import gain
from streams.detectors.repeat_offender import ABOUT_THE_ANSWER, RepeatOffender
from streams.intake import Chunk
from streams.keyed import Keyed
from streams.links import Links
from streams.rule_states import RuleStates
from streams.series import LinkEvidence, Tally
from streams.subjects import Request, Subjects
from streams.tallies import Tallies

_CLEAN = State.CLEAN.value
_NOTHING: tuple[Signal, ...] = ()


class Judges:
    """Called once per event that counts, in the order of the log; what a policy does not ask for costs nothing."""

    def __init__(self, policy: LoadedPolicy) -> None:
        detectors = policy.policy.detectors
        offender, automation = detectors.repeat_offender, detectors.automation
        detector = RepeatOffender(offender, policy.policy.care, policy.version)
        scopes = offender.scopes if offender.enabled else ()
        self.subjects = Subjects(detector, prefix=b"s|")
        self.sessions = Subjects(replace(detector, scope="session"), prefix=b"e|")
        self.links = Links(offender.linking, log_e=detector.log_e) if offender.enabled and offender.linking else None
        self.blocks, self.tallies, self.rules = Blocks(), Tallies(b"t|"), RuleStates(policy)
        self.arrivals = {topic.name: Tallies(b"y|") for topic, _ in EVENT_TOPICS if topic is not FILTER_VERDICTS}
        self.askers = Keyed(Automation(automation, policy.version), state=AutomationState, prefix=b"a|")
        self.keys = Keyed(Automation(automation, policy.version, "api_key"), state=AutomationState, prefix=b"k|")
        self._waiting: defaultdict[str, list[Request]] = defaultdict(list)
        self.baselines = BaselineShelf(self._know)
        self._judges_subjects = bool(scopes) or self.links is not None
        self._tells_subjects, self._by_session = "subject" in scopes, "session" in scopes
        self._by_key, self._by_habit = "api_key" in scopes, automation.enabled
        self._simple = self._tells_subjects and not (
            self._by_session or self._by_key or self.links or _CLEAN in self.rules.states
        )
        """A clean verdict is a request of its subject and nothing else."""
        self._watches_filters = detectors.filter_fault.enabled
        counted = (self.tallies, *self.arrivals.values())
        kept = (self.subjects, self.sessions, self.blocks, self.askers, self.keys, self.rules, self.baselines)
        self._parts: tuple[Tallies | Keyed[Any, Any] | Blocks | RuleStates | BaselineShelf, ...] = (*counted, *kept)

    def verdicts(self, chunk: Chunk) -> list[Signal]:
        """Filters' verdicts. Clean ones wait until the next of their subject that is not clean, or until `settle`."""
        found: list[Signal] = []
        requests = self._waiting
        for offset, at, verdict in zip(chunk.offsets, chunk.ats, chunk.events, strict=True):
            if not self._simple or verdict.state != _CLEAN:
                key = f"{verdict.tenant}|{verdict.subject}"
                if waiting := requests.pop(key, None):
                    self.subjects.requested(key, waiting)
                found += self.verdict(offset, at, verdict)
            elif verdict.category not in ABOUT_THE_ANSWER:
                key = f"{verdict.tenant}|{verdict.subject}"
                requests[key].append((offset, verdict.request_id, at))
        return found

    def settle(self) -> None:
        """Put all clean verdicts that wait to their subjects: before anything is read, published or stored."""
        for key, waiting in self._waiting.items():
            self.subjects.requested(key, waiting)
        self._waiting.clear()

    def verdict(self, offset: int, at: float, verdict: Any) -> tuple[Signal, ...]:
        """A filter's verdict; tallies are counted before the states change that they follow from."""
        found = _NOTHING
        if self._judges_subjects:
            key = f"{verdict.tenant}|{verdict.subject}"
            if self._by_key and verdict.api_key is not None:
                found = self._subject_and_key(key, offset, at, verdict=verdict)
            else:
                found = self.subjects.apply(key, offset, verdict)
            if not self._tells_subjects:
                found = _NOTHING
            if self.links is not None:
                self.links.seen(key, offset, verdict)
            if self._by_session and verdict.session is not None:
                found += self.sessions.apply(f"{verdict.tenant}|{verdict.session}", offset, verdict)
        if verdict.state == "blocked" and self._watches_filters:
            self._block(offset, at, verdict)
        if verdict.state in self.rules.states:
            found += self.rules.apply(FILTER_VERDICTS.name, offset, verdict)
        return found

    def _subject_and_key(self, key: str, offset: int, at: float, *, verdict: Any) -> tuple[Signal, ...]:
        before = self.subjects.state(key)
        found = self.subjects.apply(key, offset, verdict)
        gained = gain(before, self.subjects.state(key))
        if any(gained):
            name = f"{verdict.tenant}|{verdict.api_key}"
            self.tallies.add("key", name, int(at // 60), offset=offset, counts=tuple(gained))
        return found

    def _block(self, offset: int, at: float, verdict: Any) -> None:
        key = f"{verdict.tenant}|{verdict.subject}"
        if self.blocks.is_new(key, offset, request_id=verdict.request_id, at=at):
            version = verdict.filter_version or ""
            name = f"{verdict.tenant}|{verdict.filter}|{verdict.provider_category}|{version}"
            self.tallies.add("filter", name, int(at // 60), offset=offset, counts=(0, 0, 1))

    def other(self, topic: str, offset: int, at: float, *, event: Any) -> tuple[Signal, ...]:
        """A request log, feedback or notice."""
        self.arrivals[topic].add("activity", f"activity||{topic}", int(at // 60), offset=offset, counts=(1,))
        found = self._request(offset, event) if topic == REQUEST_LOGS.name and self._by_habit else _NOTHING
        return found + self.rules.apply(topic, offset, event) if topic in self.rules.topics else found

    def _request(self, offset: int, request: Any) -> tuple[Signal, ...]:
        found = self.askers.apply(f"{request.tenant}|{request.subject}", offset, request)
        if request.api_key is not None:
            found += self.keys.apply(f"{request.tenant}|{request.api_key}", offset, request)
        return found

    def _know(self, baseline: Baseline) -> None:
        for kept in (self.subjects, self.sessions):
            kept.know(kept.offenders.with_baseline(baseline))

    def published(self, source: int) -> Iterator[Tally | LinkEvidence]:
        """Running totals and evidence that changed since the last flush."""
        for tallies in (self.tallies, *self.arrivals.values()):
            yield from tallies.published(source)
        if self.links is not None:
            yield from self.links.published(source, self.subjects.state)

    def forget_before(self, watermarks: dict[str, float]) -> None:
        """Drop what no event can change any more; watermarks by topic, seconds since the epoch."""
        for topic, watermark in watermarks.items():
            self.arrivals.get(topic, self.tallies).forget_before(int(watermark // 60))
            self.rules.forget_before(topic, watermark)
        self.blocks.forget_before(watermarks[FILTER_VERDICTS.name])

    def changed(self) -> Iterator[tuple[bytes, bytes | None]]:
        """State records: tallies before the states that they follow from, so that a cut-off flush loses no count."""
        for part in self._parts:
            yield from part.changed()

    def restorers(self) -> dict[bytes, Callable[[bytes, bytes | None], None]]:
        """Prefix of state records → who takes them back."""
        return {
            b"t|": self.tallies.restore,
            b"y|": self._restore_arrivals,
            b"s|": self.subjects.restore,
            b"e|": self.sessions.restore,
            b"b|": self.blocks.restore,
            b"a|": self.askers.restore,
            b"k|": self.keys.restore,
            b"r|": self.rules.restore,
            b"w|": self.baselines.restore,
        }

    def _restore_arrivals(self, key: bytes, value: bytes | None) -> None:
        topic = key.rpartition(b"|")[2].decode()
        self.arrivals[topic].restore(key, value)
