"""The groups of every rule of one partition, each with the offset it stands at; it computes no window itself."""

import json
from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from alerts.signal import Signal
from events.topics import FILTER_VERDICTS, PROVIDER_NOTICES, REQUEST_LOGS, USER_FEEDBACK
from policy import LoadedPolicy
from policy.rules import Rule
from streams.detectors.rules.rule_detector import RuleDetector
from streams.detectors.rules.state import RuleState

TOPIC_OF = {
    "verdicts": FILTER_VERDICTS.name,
    "requests": REQUEST_LOGS.name,
    "feedback": USER_FEEDBACK.name,
    "notices": PROVIDER_NOTICES.name,
}
_FOR_PEOPLE = frozenset({"title", "why", "level", "mode", "enabled"})


class RuleGroup(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One group of one rule: what is known, up to and including offset `applied` of the rule's topic."""

    applied: int
    rule: str
    """Fingerprint of the rule: when a rule computes something else, its groups start anew."""
    state: RuleState


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(RuleGroup).decode


class RuleStates:
    """All rules of the policy over one partition; groups by `rule|tenant|subject[|…]`.

    `topics` are those that some rule looks at. A verdict whose state is not in `states` matches no rule: do not call.
    """

    def __init__(self, policy: LoadedPolicy) -> None:
        enabled = [rule for rule in policy.policy.rules if rule.enabled]
        detectors = [RuleDetector.of(rule, policy=policy.policy, version=policy.version) for rule in enabled]
        self.topics = frozenset(TOPIC_OF[one.rule.on] for one in detectors)
        self.states = frozenset[str]().union(*(one.states for one in detectors if one.rule.on == "verdicts"))
        self._by_topic = {
            topic: tuple(one for one in detectors if TOPIC_OF[one.rule.on] == topic) for topic in self.topics
        }
        self._routes: dict[tuple[str, str, str], tuple[RuleDetector, ...]] = {}
        self._rules = {one.rule.name: (one, fingerprint(one.rule)) for one in detectors}
        self._groups: dict[str, RuleGroup] = {}
        self._dirty: set[str] = set()
        self._due: defaultdict[str, defaultdict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._dropped: set[str] = set()

    def __len__(self) -> int:
        return len(self._groups)

    def apply(self, topic: str, offset: int, event: Any) -> tuple[Signal, ...]:
        """Step every rule that the event matches once per offset; a repetition gives nothing."""
        detectors = self._by_topic.get(topic, ())
        if topic == FILTER_VERDICTS.name:
            detectors = self._route(detectors, event)
        signals: tuple[Signal, ...] = ()
        for detector in detectors:
            if detector.matches(event) and (group := detector.group(event)) is not None:
                signals += self._step(detector, offset, event, group=group)
        return signals

    def _route(self, detectors: tuple[RuleDetector, ...], verdict: Any) -> tuple[RuleDetector, ...]:
        """The rules that a verdict of this state, category and stage can match; remembered, as words are few."""
        words = (verdict.state, verdict.category, verdict.stage)
        found = self._routes.get(words)
        if found is None:
            state, category, stage = words
            found = tuple(one for one in detectors if one.can_match(state=state, category=category, stage=stage))
            self._routes[words] = found
        return found

    def _step(self, detector: RuleDetector, offset: int, event: Any, *, group: str) -> tuple[Signal, ...]:
        name = detector.rule.name
        key = f"{name}|{group}"
        known = self._groups.get(key)
        if known is not None and offset <= known.applied:
            return ()
        before = known.state if known else detector.initial(group)
        state, signals = detector.counted(before, event, group)
        if state is not before:
            self._groups[key] = RuleGroup(offset, self._rules[name][1], state)
            self._dirty.add(key)
            if known is None:
                self._watch(key, detector, state)
        return signals

    def _watch(self, key: str, detector: RuleDetector, state: RuleState) -> None:
        self._due[TOPIC_OF[detector.rule.on]][_over(detector.rule, state)].add(key)

    def forget_before(self, topic: str, watermark: float) -> None:
        """Drop the groups of a topic's rules whose window is over; epoch seconds.

        A group that changed since the last flush stays: the events that made it may be read again.
        """
        due = self._due[topic]
        minute = int(watermark // 60)
        for passed in [one for one in due if one < minute]:
            for key in due.pop(passed):
                group = self._groups.get(key)
                if group is None:
                    continue
                over = _over(self._rules[key.partition("|")[0]][0].rule, group.state)
                if over < minute and key not in self._dirty:
                    del self._groups[key]
                    self._dropped.add(key)
                else:
                    due[max(over, minute)].add(key)

    def changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """State records of the changed and of the dropped groups; clears the marks."""
        records: list[tuple[bytes, bytes | None]] = [
            (b"r|" + key.encode(), _ENCODE(self._groups[key])) for key in self._dirty
        ]
        records += [(b"r|" + key.encode(), None) for key in self._dropped - self._dirty]
        self._dirty.clear()
        self._dropped.clear()
        return records

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one state record back (without `r|`); one of a rule that is gone or changed is dropped with the next."""
        name = key.decode()
        self._groups.pop(name, None)
        self._dropped.discard(name)
        if value is None:
            return
        group = _DECODE(value)
        detector, current = self._rules.get(name.partition("|")[0], (None, ""))
        if detector is None or group.rule != current:
            self._dropped.add(name)
            return
        self._groups[name] = group
        self._watch(name, detector, group.state)


def fingerprint(rule: Rule) -> str:
    """The same for rules that compute the same, whatever they are called, say or lead to."""
    content = rule.model_dump(mode="json", exclude=set(_FOR_PEOPLE))
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=6).hexdigest()


def _over(rule: Rule, state: RuleState) -> int:
    """The minute from which no event can share a window with those of a state."""
    return int((state.high + rule.timespan.total_seconds()) // 60) + 1
