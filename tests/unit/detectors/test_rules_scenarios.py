"""The pack's rules on recorded traffic: raw records through intake and rules, as a worker does it, folder by folder."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from alerts.signal import Signal
from events import Event
from events.topics import EVENT_TOPICS
from policy import LoadedPolicy, load_policy
from streams.intake import Intake
from streams.rule_states import TOPIC_OF, RuleStates

FOLDERS = sorted(path.parent for path in (Path(__file__).parents[2] / "scenarios").glob("*/expected.json"))
KINDS = ("positive", "negative", "late", "duplicate")
MODELS = {topic.name: model for topic, model in EVENT_TOPICS}


@dataclass
class Raw:
    offset: int
    timestamp: int
    value: bytes | None
    key: bytes | None = None


@dataclass
class Partition:
    """What a worker keeps of one partition, for rules alone."""

    policy: LoadedPolicy
    clock: float = 0.0
    offset: int = 0
    intakes: dict[str, Intake] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rules = RuleStates(self.policy)
        self.intakes = {
            topic: Intake(topic, 0, model=model, policy=self.policy.policy) for topic, model in MODELS.items()
        }

    def take(self, topic: str, event: dict[str, Any]) -> list[Signal]:
        """One record, as if it arrived when the newest so far had happened."""
        at = Event.model_validate(event).at.timestamp()
        self.clock = max(self.clock, at)
        record = Raw(self.offset, int(self.clock * 1000), json.dumps(event, separators=(",", ":")).encode())
        self.offset += 1
        return [
            signal
            for chunk in self.intakes[topic].chunks([record])
            for offset, found in zip(chunk.offsets, chunk.events, strict=True)
            for signal in self.rules.apply(topic, offset, found)
        ]


def shown(signal: Signal) -> dict[str, Any]:
    return {
        "detector": signal.detector,
        "subject": signal.subject,
        "level": signal.level,
        "at": f"{signal.at:%Y-%m-%dT%H:%M:%SZ}",
        "value": signal.statistic.value,
        "evidence": list(signal.evidence),
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_scenario_ends_as_expected(folder: Path) -> None:
    partition = Partition(load_policy(folder / "policy.yaml"))
    lines = [json.loads(line) for line in (folder / "events.jsonl").read_text("utf-8").splitlines()]
    signals = [signal for line in lines for signal in partition.take(TOPIC_OF[line["on"]], line["event"])]
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    assert [shown(signal) for signal in signals] == expected["signals"]
    books = [intake.books for intake in partition.intakes.values()]
    assert {name: sum(getattr(one, name) for one in books) for name in expected["books"]} == expected["books"]
    assert sum(one.dead for one in books) == 0


def test_every_rule_of_the_pack_has_every_kind_of_scenario() -> None:
    rules = [rule.name for rule in load_policy("llm-abuse").policy.rules]
    assert {folder.name for folder in FOLDERS} >= {f"{rule}_{kind}" for rule in rules for kind in KINDS}
