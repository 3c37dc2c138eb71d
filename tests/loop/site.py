"""A worker and an archiver over one input, what may befall them, and what must have come of it in the end."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Self

from apache_kafka import ApacheKafka
from loop.outcome import Outcome, assert_same, settled
from loop.process import Process, archiver, archiver_group_of, migrated, worker
from loop.run import Run
from loop.stored import assert_stored
from loop.waiting import until

from broker.bulk import Outgoing
from broker.connection import KafkaSettings
from events.topics import FILTER_VERDICTS, REQUEST_LOGS

ARCHIVED = (FILTER_VERDICTS, REQUEST_LOGS)
_PATIENCE = 240.0
_LINES_TOLD = 30
Fault = Callable[["Site"], Awaitable[None]]


class Site:
    """Every fault leaves a worker and an archiver running, or starting. `told` counts the faults by name."""

    def __init__(self, kafka: KafkaSettings, folder: Path, *, broker: ApacheKafka, chance: random.Random) -> None:
        self.kafka, self._folder, self._broker, self._chance = kafka, folder, broker, chance
        self.told: Counter[str] = Counter()
        self._clickhouse = folder / "clickhouse"
        self._processes = ExitStack()
        self._run: Run

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        kafka: KafkaSettings,
        folder: Path,
        *,
        records: Sequence[Outgoing],
        broker: ApacheKafka,
        chance: random.Random,
    ) -> AsyncIterator[Self]:
        """Fed with `records` while the block lasts."""
        site = cls(kafka, folder, broker=broker, chance=chance)
        try:
            async with site._up(records):
                yield site
        except Exception as failure:
            failure.add_note(site._said())
            raise

    @asynccontextmanager
    async def _up(self, records: Sequence[Outgoing]) -> AsyncIterator[None]:
        await asyncio.to_thread(migrated, self._clickhouse, self._folder / "migrate.log")
        async with Run.fed(self.kafka, records) as self._run:
            with self._processes:
                self._worker = self._started("worker")
                self._archiver = self._processes.enter_context(
                    archiver(self.kafka, self._folder / "archiver.log", clickhouse=self._clickhouse)
                )
                yield

    def _started(self, name: str) -> Process:
        return self._processes.enter_context(worker(self.kafka, self._folder / f"{name}.log", batch_records=500))

    def _said(self) -> str:
        """The last events in every log, without what the Kafka client says in each outage."""
        return "\n".join(
            line
            for log in sorted(self._folder.glob("*.log"))
            for line in (f"--- {log.name}", *_events(log)[-_LINES_TOLD:])
        )

    @property
    def fed(self) -> bool:
        """Whether everything is read: faults come too late from then on."""
        return self._run.share >= 1

    async def befall(self, fault: Fault) -> None:
        """Let the fault happen while records move, or while what the last one ended is on its way up again."""
        if self._chance.random() < 0.75:
            before = self._run.read
            await until(lambda: self._moved_from(before), "the worker reads on", seconds=_PATIENCE)
            await asyncio.sleep(self._chance.uniform(0, 0.3))
        else:
            await asyncio.sleep(self._chance.uniform(0, 2.5))
        self._revive()
        self.told[fault.__name__] += 1
        await fault(self)

    def _moved_from(self, before: int) -> bool:
        self._revive()
        return self._run.read > before or self.fed

    def _revive(self) -> None:
        """Start again what has ended by itself, as a supervisor does."""
        for name, process in (("worker", self._worker), ("archiver", self._archiver)):
            if process.code is not None:
                self.told[f"{name}_ended_by_itself"] += 1
                process.restart()

    async def kill_worker(self) -> None:
        """As the kernel does when memory is short."""
        self._worker.kill()
        self._worker.restart()

    async def stop_worker(self) -> None:
        """As a deployment does."""
        await self._stopped(self._worker)

    async def kill_archiver(self) -> None:
        """As the kernel does when memory is short."""
        self._archiver.kill()
        self._archiver.restart()

    async def stop_archiver(self) -> None:
        """As a deployment does."""
        await self._stopped(self._archiver)

    async def _stopped(self, process: Process) -> None:
        code, _ = await asyncio.to_thread(process.stop)
        assert code in (0, -signal.SIGTERM), f"stopped with {code}:\n{process.said[-3000:]}"
        process.restart()

    async def join_and_leave(self) -> None:
        """A second worker comes, takes its share, and goes within a few seconds."""
        with worker(self.kafka, self._folder / "second.log", batch_records=500) as second:
            await asyncio.sleep(self._chance.uniform(0.5, 5))
            if second.code is None:
                second.send(self._chance.choice((signal.SIGTERM, signal.SIGKILL)))
                await asyncio.to_thread(second.wait)

    async def pause_worker(self) -> None:
        """Longer than its session, so that it comes back as a zombie, with a successor at work."""
        with worker(self.kafka, self._folder / "successor.log", batch_records=500) as successor:
            self._worker.send(signal.SIGSTOP)
            await asyncio.sleep(self._chance.uniform(2.5, 5))
            self._worker.send(signal.SIGCONT)
            await asyncio.sleep(self._chance.uniform(0, 2))
            if successor.code is None:
                await asyncio.to_thread(successor.stop)

    async def crash_broker(self) -> None:
        """The only broker is gone for some seconds, without a word."""
        await asyncio.to_thread(self._broker.kill)
        await asyncio.sleep(self._chance.uniform(0, 4))
        self._broker.launch()
        await asyncio.to_thread(self._broker.wait_until_serving)

    async def assert_exact(self, records: Sequence[Outgoing], expected: Outcome) -> None:
        """Wait until all is done; the log's outcome and ClickHouse are those of a quiet day."""
        supervising = asyncio.create_task(self._supervise())
        try:
            done = await self._run.done(_PATIENCE)
            group = archiver_group_of(self.kafka)
            await until(lambda: settled(self.kafka, group, ARCHIVED), "all is stored", seconds=_PATIENCE, every=0.5)
        finally:
            supervising.cancel()
        await asyncio.to_thread(self._archiver.stop)
        assert_same(done, expected)
        await asyncio.to_thread(assert_stored, self._clickhouse, records)

    async def _supervise(self) -> None:
        while True:
            self._revive()
            await asyncio.sleep(0.5)


def _events(log: Path) -> list[str]:
    return [line for line in log.read_text("utf-8", "replace").splitlines() if line.startswith("{")]


FAULTS: dict[Fault, int] = {
    Site.kill_worker: 5,
    Site.stop_worker: 4,
    Site.kill_archiver: 5,
    Site.stop_archiver: 4,
    Site.join_and_leave: 3,
    Site.pause_worker: 1,
    Site.crash_broker: 1,
}
"""Every fault, and how often it comes relative to the others."""
