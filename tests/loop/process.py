"""A `watchfloor` command as a process of the test: started, paused, killed, stopped; never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from broker.child import end_with_parent
from broker.connection import KafkaSettings
from sql.settings import StoreSettings

ROOT = Path(__file__).parents[2]
POLICY = Path(__file__).parent / "enforcing.yaml"
_STOP_SECONDS = 20.0


class Process:
    """One run of `watchfloor ARGUMENTS`, which says everything into `log`. As a context it is killed at the end."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._arguments, self._env = arguments, env
        self._process = self._launch()

    def _launch(self) -> subprocess.Popen[bytes]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "watchfloor", *self._arguments],
                cwd=ROOT,
                env={**os.environ, **self._env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, once it has ended."""
        return self._process.poll()

    @property
    def said(self) -> str:
        """Everything in its log file."""
        return self.log.read_text("utf-8", "replace")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; it must be running."""
        assert self.code is None, f"ended with {self.code}:\n{self.said[-2000:]}"
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self.send(signal.SIGKILL)
        self._process.wait()

    def restart(self) -> None:
        """The same command again; the old one must have ended."""
        assert self.code is not None
        self._process = self._launch()

    def wait(self, seconds: float = 60.0) -> int:
        """Wait until it ends by itself; its exit code."""
        return self._process.wait(seconds)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Ask it to end; its exit code, and the seconds that it took."""
        started = time.monotonic()
        self.send(how)
        code = self._process.wait(_STOP_SECONDS)
        return code, time.monotonic() - started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.code is None:
            self._process.kill()
            self._process.wait()


def descendants(pid: int) -> set[int]:
    """Every process below this one, as Linux tells."""
    children = {
        int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text("utf-8").split()
    }
    return children.union(*map(descendants, children))


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and is not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kafka_env(kafka: KafkaSettings) -> dict[str, str]:
    """The settings of a Kafka, for a process."""
    return {
        "WATCHFLOOR_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "WATCHFLOOR_KAFKA_PARTITIONS": str(kafka.partitions),
        "WATCHFLOOR_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
        "WATCHFLOOR_KAFKA_EMBEDDED": str(kafka.embedded).lower(),
    }


def worker(kafka: KafkaSettings, log: Path, *, policy: Path = POLICY, **settings: float) -> Process:
    """A worker in the group of the Kafka's topic prefix; `settings` as in WorkerSettings."""
    own = {"policy": policy, "group": group_of(kafka), "session_seconds": 2.0, "flush_seconds": 0.05, **settings}
    env = {f"WATCHFLOOR_WORKER_{name.upper()}": str(value) for name, value in own.items()}
    return Process(["worker"], kafka_env(kafka) | env, log)


def archiver(kafka: KafkaSettings, log: Path, *, clickhouse: Path | StoreSettings, **settings: float) -> Process:
    """An archiver with small batches, in the group of the Kafka's topic prefix, storing into this ClickHouse."""
    quick = {"session_seconds": 2.0, "batch_seconds": 0.1, "batch_records": 1500, "retry_seconds": 0.2}
    own = {"group": archiver_group_of(kafka), **quick, **settings}
    env = {f"WATCHFLOOR_ARCHIVER_{name.upper()}": str(value) for name, value in own.items()}
    return Process(["archiver"], kafka_env(kafka) | env | store_env(clickhouse), log)


def migrated(clickhouse: Path | StoreSettings, log: Path) -> None:
    """Create the tables of a ClickHouse, as an operator does."""
    with Process(["migrate", "up"], store_env(clickhouse), log) as process:
        assert process.wait() == 0, process.said


def store_env(clickhouse: Path | StoreSettings) -> dict[str, str]:
    """The settings of a ClickHouse, the folder of an embedded one or a server, for a process."""
    if isinstance(clickhouse, Path):
        return {"WATCHFLOOR_CLICKHOUSE_PATH": str(clickhouse)}
    return {
        "WATCHFLOOR_CLICKHOUSE_URL": str(clickhouse.url),
        "WATCHFLOOR_CLICKHOUSE_ANSWER_SECONDS": str(clickhouse.answer_seconds),
    }


def archiver_group_of(kafka: KafkaSettings) -> str:
    """The archivers' consumer group."""
    return f"{kafka.topic_prefix}archiver"


def group_of(kafka: KafkaSettings) -> str:
    """The workers' consumer group."""
    return f"{kafka.topic_prefix}worker"
