"""Contenders take turns, and no repetition is started that would end too late."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.contender import Site
from bench.errors import BenchError, Unavailable
from bench.measured import Measured
from bench.rounds import Plan, run_rounds
from bench.workload import Workload
from broker.connection import KafkaSettings


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Sleeper:
    """Takes `seconds` by the clock, and remembers where it ran."""

    name: str
    clock: Clock
    seconds: float
    sites: list[Site] = field(default_factory=list)

    async def run(self, site: Site) -> Measured:
        assert site.folder.is_dir()
        self.sites.append(site)
        self.clock.now += self.seconds
        return Measured(site.workload.events, self.seconds, 1.0, 1, "fine")


@dataclass
class Missing:
    """Cannot be measured."""

    name: str

    async def run(self, site: Site) -> Measured:
        raise Unavailable(self.name, "does not install")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    kafka = KafkaSettings(topic_prefix="bench.")
    return Site(kafka, Workload(10, datetime(2026, 1, 1, tzinfo=UTC)), tmp_path, tmp_path / "clickhouse")


async def order(sleepers: list[Sleeper], site: Site, plan: Plan) -> list[str]:
    told: list[str] = []
    await run_rounds(sleepers, site, plan, on_run=lambda name, _: told.append(name))
    return told


async def test_everybody_runs_once_before_anybody_runs_twice(site: Site) -> None:
    clock = Clock()
    sleepers = [Sleeper("a", clock, 1), Sleeper("b", clock, 1)]
    assert await order(sleepers, site, Plan(2, 100, clock)) == ["a", "b", "a", "b"]


async def test_a_repetition_that_would_end_too_late_is_left_out(site: Site) -> None:
    clock = Clock()
    sleepers = [Sleeper("long", clock, 50), Sleeper("short", clock, 10)]
    assert await order(sleepers, site, Plan(3, 100, clock)) == ["long", "short", "short", "short"]


async def test_the_first_run_of_each_is_never_left_out(site: Site) -> None:
    clock = Clock()
    sleepers = [Sleeper("a", clock, 50), Sleeper("b", clock, 50)]
    assert await order(sleepers, site, Plan(3, 10, clock)) == ["a", "b"]


async def test_every_run_has_topics_and_a_folder_of_its_own_and_leaves_none(site: Site) -> None:
    clock = Clock()
    sleeper = Sleeper("a", clock, 1)
    runs = await run_rounds([sleeper], site, Plan(3, 100, clock), on_run=lambda *_: None)
    assert len(runs.measured["a"]) == 3
    assert len({one.kafka.topic_prefix for one in sleeper.sites}) == 3
    assert all(one.kafka.topic_prefix.startswith("bench.") for one in sleeper.sites)
    assert list(site.folder.iterdir()) == []


async def test_who_fails_is_not_started_again_and_the_others_go_on(site: Site) -> None:
    clock = Clock()
    told: list[tuple[str, bool]] = []
    missing, sleeper = Missing("missing"), Sleeper("a", clock, 1)
    runs = await run_rounds(
        [missing, sleeper],
        site,
        Plan(2, 100, clock),
        on_run=lambda name, one: told.append((name, isinstance(one, BenchError))),
    )
    assert told == [("missing", True), ("a", False), ("a", False)]
    assert (runs.measured["missing"], len(runs.measured["a"])) == ([], 2)
    assert isinstance(runs.failed["missing"], Unavailable)
    assert list(site.folder.iterdir()) == []
