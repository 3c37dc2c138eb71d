"""What can be measured, and what it is given to run with; it measures nothing itself."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

from bench.measured import Measured
from bench.workload import Workload
from broker.connection import KafkaSettings


@dataclass(frozen=True, slots=True)
class Site:
    """Where a contender runs: a broker, the events, and a folder of its own that is removed afterwards."""

    kafka: KafkaSettings
    workload: Workload
    folder: Path
    clickhouse: Path
    """An embedded ClickHouse that has the tables and no rows: to copy, not to use."""

    def for_run(self, number: int) -> Self:
        """The same with topics and a folder that no other run uses."""
        folder = self.folder / f"run-{number}"
        folder.mkdir()
        prefix = f"{self.kafka.topic_prefix}{number}."
        return replace(self, folder=folder, kafka=self.kafka.model_copy(update={"topic_prefix": prefix}))


class Contender(Protocol):
    """Something that works off the events. A run makes its own topics and leaves no process behind."""

    @property
    def name(self) -> str:
        """As the table shows it."""

    async def run(self, site: Site) -> Measured:
        """Measure once. Raises BenchError when it cannot be measured; a wrong result is not an error but a check."""
