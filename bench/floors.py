"""The floors: the work that cannot be avoided, one part at a time; each runs in a process of its own."""

from dataclasses import dataclass

import msgspec

from bench.child import answer_of
from bench.contender import Site
from bench.log import kafka_env, load, remove_topics
from bench.measured import Measured
from broker.topics import ensure_topics
from events.topics import FILTER_VERDICTS


@dataclass(frozen=True, slots=True)
class InMemory:
    """A part of the work without a broker."""

    name: str
    part: str

    async def run(self, site: Site) -> Measured:
        """Run the part over all events."""
        return await _measure(self.part, site)


@dataclass(frozen=True, slots=True)
class FromBroker:
    """A part of the work that reads the topic."""

    name: str
    part: str

    async def run(self, site: Site) -> Measured:
        """Fill a topic, then run the part over it."""
        await ensure_topics(site.kafka, [FILTER_VERDICTS])
        await load(site.kafka, site.workload, first=0, last=site.workload.events)
        try:
            return await _measure(self.part, site)
        finally:
            await remove_topics(site.kafka, [FILTER_VERDICTS])


async def _measure(part: str, site: Site) -> Measured:
    arguments = ["bench.parts", part, str(site.workload.events), site.workload.start.isoformat()]
    printed = await answer_of(arguments, kafka_env(site.kafka), site.folder / "floor.log")
    return msgspec.json.decode(printed, type=Measured)
