"""The processes that do the work: how each is started, followed and checked; it measures nothing."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from bench.child import Child, answer_of
from bench.contender import Site
from bench.log import kafka_env
from bench.progress import BooksTopic, Commits
from bench.stored import Stored

_SESSION_SECONDS = 100
"""Longer than any pause, so that a paused process keeps its partitions; of others it hears after a quarter of it."""
_SESSION_SECONDS_EMBEDDED = 10
"""The embedded broker lets nobody into a group with a longer one."""
_START_SECONDS = 60
_STARTED = b"worker_started"


class Running(Protocol):
    """A process at work on the verdicts."""

    @property
    def child(self) -> Child:
        """The process."""

    async def done(self) -> int:
        """Verdicts that it has made durable so far."""

    async def verdict(self) -> str:
        """After it has stopped: what is right, in words, or what is `wrong`."""


Role = Callable[[Site], AbstractAsyncContextManager[Running]]
"""Starts a process with topics, group and folder of the site; stops it when the block ends."""


@dataclass(frozen=True, slots=True)
class _Worker:
    child: Child
    books: BooksTopic
    events: int

    async def done(self) -> int:
        return await self.books.done()

    async def verdict(self) -> str:
        return self.books.verdict(self.events)


@asynccontextmanager
async def worker(site: Site) -> AsyncIterator[Running]:
    """`watchfloor worker` with the default policy and default settings."""
    async with _a_worker(site, "worker") as running:
        yield running


@asynccontextmanager
async def second_worker(site: Site) -> AsyncIterator[Running]:
    """Another one in the same group, started when the first one has all partitions; it takes half of them."""
    await _said(site.folder / "worker.log", _STARTED)
    async with _a_worker(site, "second-worker") as running:
        await _said(site.folder / "second-worker.log", _STARTED)
        yield running


def on_a_core(role: Role, number: int) -> Role:
    """The same on a core of its own, as far as there are as many."""

    @asynccontextmanager
    async def bound(site: Site) -> AsyncIterator[Running]:
        cores = sorted(os.sched_getaffinity(0))
        async with role(site) as running:
            running.child.bind(cores[number % len(cores)])
            yield running

    return bound


@asynccontextmanager
async def _a_worker(site: Site, name: str) -> AsyncIterator[Running]:
    env = kafka_env(site.kafka) | {
        "WATCHFLOOR_WORKER_GROUP": f"{site.kafka.topic_prefix}worker",
        "WATCHFLOOR_WORKER_SESSION_SECONDS": _session(site),
    }
    async with (
        BooksTopic.followed(site.kafka) as books,
        Child.running(["watchfloor", "worker"], env, site.folder / f"{name}.log") as child,
    ):
        yield _Worker(child, books, site.workload.events)


async def _said(log: Path, words: bytes) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while words not in await asyncio.to_thread(log.read_bytes):  # noqa: ASYNC110  a file tells nobody that it grows
            await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True)
class _Archiver:
    child: Child
    commits: Commits
    site: Site

    async def done(self) -> int:
        return await self.commits.done()

    async def verdict(self) -> str:
        printed = await answer_of(["bench.stored"], _clickhouse_env(_data(self.site)), self.site.folder / "stored.log")
        return msgspec.json.decode(printed, type=Stored).verdict(self.site.workload.events)


@asynccontextmanager
async def archiver(site: Site) -> AsyncIterator[Running]:
    """`watchfloor archiver` on an embedded ClickHouse of its own, with default settings."""
    await asyncio.to_thread(shutil.copytree, site.clickhouse, _data(site), symlinks=True)
    group = f"{site.kafka.topic_prefix}archiver"
    env = kafka_env(site.kafka) | _clickhouse_env(_data(site))
    env |= {"WATCHFLOOR_ARCHIVER_GROUP": group, "WATCHFLOOR_ARCHIVER_SESSION_SECONDS": _session(site)}
    async with (
        Commits.followed(site.kafka, group) as commits,
        Child.running(["watchfloor", "archiver"], env, site.folder / "archiver.log") as child,
    ):
        yield _Archiver(child, commits, site)


async def prepare_clickhouse(folder: Path) -> Path:
    """An embedded ClickHouse with its tables, which every run copies; a second or two."""
    path = folder / "clickhouse"
    await answer_of(["watchfloor", "migrate", "up"], _clickhouse_env(path), folder / "migrate.log")
    return path


def _session(site: Site) -> str:
    return str(_SESSION_SECONDS_EMBEDDED if site.kafka.embedded else _SESSION_SECONDS)


def _data(site: Site) -> Path:
    return site.folder / "clickhouse"


def _clickhouse_env(path: Path) -> dict[str, str]:
    return {"WATCHFLOOR_CLICKHOUSE_PATH": str(path)}
