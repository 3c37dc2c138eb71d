"""Measures processes of the project at work, from outside: the log is filled while they pause, then they go on."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import perf_counter

from bench.contender import Site
from bench.errors import NotFinished
from bench.log import load, remove_topics
from bench.measured import Measured, cpu_seconds, peak_bytes
from bench.roles import Role, Running
from broker.topics import ensure_topics

_WARM_EVENTS = 4_000
_LONGEST_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Processes:
    """One or more processes, side by side, on the same log.

    Starting up, joining the group and opening the lanes are not measured: the clock starts after a few events, and
    stops when the last one is durable.
    """

    name: str
    roles: tuple[Role, ...]

    async def run(self, site: Site) -> Measured:
        """Start them, let them work everything off, stop them, check what they left."""
        await ensure_topics(site.kafka)
        try:
            async with AsyncExitStack() as stack:
                running = [await stack.enter_async_context(role(site)) for role in self.roles]
                measured = await _measure(running, site)
            checks = [await one.verdict() for one in running]
        finally:
            await remove_topics(site.kafka)
        wrong = [check for check in checks if check.startswith("wrong")]
        return Measured(*measured, "; ".join(wrong or checks))


async def _measure(running: Sequence[Running], site: Site) -> tuple[int, float, float, int]:
    events, pids = site.workload.events, [one.child.pid for one in running]
    warm = min(_WARM_EVENTS, events // 10)
    await load(site.kafka, site.workload, first=0, last=warm)
    await _until(running, warm)
    for one in running:
        one.child.pause()
    await load(site.kafka, site.workload, first=warm, last=events)
    cpu, started = sum(map(cpu_seconds, pids)), perf_counter()
    for one in running:
        one.child.go_on()
    await _until(running, events)
    seconds, cpu = perf_counter() - started, sum(map(cpu_seconds, pids)) - cpu
    return events - warm, seconds, cpu, sum(map(peak_bytes, pids))


async def _until(running: Sequence[Running], events: int) -> None:
    await asyncio.gather(*(_until_done(one, events) for one in running))


async def _until_done(running: Running, events: int) -> None:
    deadline, done = perf_counter() + _LONGEST_SECONDS, 0
    while done < events:
        running.child.check()
        if perf_counter() > deadline:
            raise NotFinished(running.child.name, done, events)
        done = await running.done()
