"""Rounds of faults at random moments over the same input: a short one always, many in the time that is given."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, count, repeat
from pathlib import Path
from time import monotonic

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from apache_kafka import ApacheKafka
from loop.run import Undisturbed
from loop.site import FAULTS, Fault, Site

from events.topics import TOPICS

pytestmark = [pytest.mark.kafka, pytest.mark.embedded]
SHORT = (Site.kill_worker, Site.kill_archiver, Site.stop_worker, Site.stop_archiver, Site.crash_broker)
"""What every run goes through, in an order of its own."""


def short(chance: random.Random) -> Iterator[Fault]:
    return iter(chance.sample(SHORT, len(SHORT)))


def without_end(chance: random.Random) -> Iterator[Fault]:
    """Every fault once, then whatever comes."""
    drawn = (chance.choices(tuple(FAULTS), tuple(FAULTS.values()))[0] for _ in repeat(None))
    return chain(chance.sample(tuple(FAULTS), len(FAULTS)), drawn)


async def delete_topics(site: Site) -> None:
    admin = AIOKafkaAdminClient(**site.kafka.options())
    await admin.start()
    await admin.delete_topics([site.kafka.wire_name(topic) for topic in TOPICS])
    await admin.close()


async def disturbed(
    faults: Iterator[Fault], chance: random.Random, *, broker: ApacheKafka, expected: Undisturbed, folder: Path
) -> Counter[str]:
    """One round: the faults that fall into the time of the input, and the proof that nothing came of them."""
    running = Site.running(broker.installation(), folder, records=expected.records, broker=broker, chance=chance)
    async with running as site:
        for fault in faults:
            if site.fed:
                break
            await site.befall(fault)
        await site.assert_exact(expected.records, expected.outcome)
    await delete_topics(site)
    return site.told


async def test_faults_at_random_moments_change_nothing(
    apache_kafka: ApacheKafka,
    undisturbed: Undisturbed,
    tmp_path: Path,
    told: Callable[[str], None],
    request: pytest.FixtureRequest,
) -> None:
    minutes, first = request.config.getoption("--minutes"), request.config.getoption("--seed")
    until, befell, entropy = monotonic() + minutes * 60, Counter[str](), random.SystemRandom()
    for number in count(1):
        seed, started = entropy.getrandbits(32) if first is None or number > 1 else first, monotonic()
        told(f"round {number}, --seed {seed}")
        chance, folder = random.Random(seed), tmp_path / f"{number}"
        faults = without_end(chance) if minutes else short(chance)
        befell += await disturbed(faults, chance, broker=apache_kafka, expected=undisturbed, folder=folder)
        told(f"round {number}: {monotonic() - started:.0f} s, 0 lost, 0 double; so far {dict(befell)}")
        if monotonic() >= until:
            break
