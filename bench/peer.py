"""A peer as a contender: its script in its environment, measured as the project's own processes are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from bench.child import Child
from bench.contender import Site
from bench.environment import python_of
from bench.measured import Measured
from bench.peers.place import Place, events_done, triggers_in
from bench.processes import Processes
from bench.reference import compared, triggers
from bench.roles import Running
from bench.workload import Workload
from broker.connection import KafkaSettings
from events.topics import FILTER_VERDICTS

_ROOT = Path(__file__).parents[1]
_LOOK_SECONDS = 0.02
_LOOKS_FOR_TRIGGERS = 250
"""So long the last triggers may follow the last count: five seconds, which are not measured."""


@dataclass(frozen=True, slots=True)
class Peer:
    """`bench.peers.SCRIPT MODE` with the packages that `bench/peers/requirements/SCRIPT.txt` pins."""

    name: str
    script: str
    mode: str
    reports: bool = True
    """Whether it reports triggers; the bare floors read and do nothing."""
    most_events: int | None = None
    """It gets no more than these, because more would take too long."""

    async def run(self, site: Site) -> Measured:
        """Measure once. Raises Unavailable where its packages do not install."""
        python = await python_of(self.script)
        events = min(site.workload.events, self.most_events or site.workload.events)
        site = replace(site, workload=Workload(events, site.workload.start))
        try:
            return await Processes(self.name, (partial(self._running, python=python),)).run(site)
        finally:
            await _remove_own_topics(site.kafka)

    @asynccontextmanager
    async def _running(self, site: Site, *, python: Path) -> AsyncIterator[Running]:
        kafka = site.kafka
        place = Place(
            self.mode,
            kafka.bootstrap,
            kafka.wire_name(FILTER_VERDICTS),
            f"{kafka.topic_prefix}{self.script}",
            kafka.partitions,
            site.folder,
        )
        module, log = f"bench.peers.{self.script}", site.folder / "peer.log"
        env = {"PYTHONPATH": str(_ROOT)}
        async with Child.running([module, *place.arguments()], env, log, python=python) as child:
            running = _Running(child, site, self.reports)
            yield running
            await running.settle()


@dataclass(frozen=True, slots=True)
class _Running:
    child: Child
    site: Site
    reports: bool

    async def done(self) -> int:
        await asyncio.sleep(_LOOK_SECONDS)
        return events_done(self.site.folder)

    async def verdict(self) -> str:
        done, events = events_done(self.site.folder), self.site.workload.events
        if done != events:
            return f"wrong: {done:,} of {events:,} events"
        if not self.reports:
            return f"{done:,} events"
        return compared(triggers_in(self.site.folder), triggers(self.site.workload))

    async def settle(self) -> None:
        """Let the last triggers come."""
        expected = triggers(self.site.workload) if self.reports else ()
        for _ in range(_LOOKS_FOR_TRIGGERS):
            if len(triggers_in(self.site.folder)) >= len(expected):
                break
            await asyncio.sleep(_LOOK_SECONDS)


async def _remove_own_topics(kafka: KafkaSettings) -> None:
    admin = AIOKafkaAdminClient(**kafka.options())
    await admin.start()
    try:
        own = [name for name in await admin.list_topics() if kafka.topic_prefix in name]
        if own:
            await admin.delete_topics(own)
    finally:
        await admin.close()
