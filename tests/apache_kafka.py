"""Apache Kafka for tests: one KRaft broker from its Maven artifacts, on loopback; neither a cluster nor embedded."""

import base64
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from broker.child import end_with_parent
from broker.connection import KafkaSettings

_POM = Path(__file__).parent / "kafka" / "pom.xml"
_CACHE = Path(__file__).parent.parent / ".cache" / "kafka"
_START_SECONDS = 90.0
_STOP_SECONDS = 20.0
_DOWNLOAD_SECONDS = 600.0
_STARTED = b"Kafka Server started"
_VERSION = re.compile(r"Kafka version: (\S+)")


class KafkaUnavailable(Exception):
    """Apache Kafka cannot be started here; the text says why."""


class ApacheKafka:
    """One broker with its own folder, which keeps its ports and its data over `restart` and over `kill` and `start`."""

    def __init__(self, folder: Path, *, properties: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.log = folder / "broker.log"
        self.settings = KafkaSettings(bootstrap=f"127.0.0.1:{_free_port()}")
        self._classpath = f"{libraries()}/*"
        self._config = folder / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        self._spoken = 0
        folder.mkdir(parents=True, exist_ok=True)
        lines = _properties(self.settings.bootstrap, folder / "data") | dict(properties or {})
        self._config.write_text("".join(f"{key}={value}\n" for key, value in lines.items()), encoding="utf-8")

    @property
    def version(self) -> str:
        """The version that the running broker named in its log."""
        return _VERSION.findall(self.log.read_text(encoding="utf-8"))[-1]

    def installation(self) -> KafkaSettings:
        """Its settings with a topic prefix that nobody else uses."""
        return self.settings.model_copy(update={"topic_prefix": f"{uuid.uuid4().hex[:8]}-"})

    def start(self) -> None:
        """Start it, on what it stored before if there is any, and wait until it serves."""
        self.launch()
        self.wait_until_serving()

    def launch(self) -> None:
        """Start it and do not wait. Call it in the main thread: the broker ends with the thread that started it."""
        if not (self.folder / "data").exists():
            self._format()
        with self.log.open("ab") as log:
            self._spoken = log.tell()
            self._process = subprocess.Popen(
                [*_java(self._classpath), "-Xms128m", "-Xmx512m", "kafka.Kafka", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        # With `=`: one id in 64 begins with a dash, and would be taken for an option.
        options = [f"--cluster-id={cluster}", f"--config={self._config}"]
        command = [*_java(self._classpath), "kafka.tools.StorageTool", "format", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_START_SECONDS)
        if done.returncode:
            raise KafkaUnavailable(f"Apache Kafka could not format its storage: {done.stderr.strip()[-300:]}")

    def wait_until_serving(self) -> None:
        """Wait until what was launched serves clients. Raises KafkaUnavailable."""
        deadline = time.monotonic() + _START_SECONDS
        while _STARTED not in self.log.read_bytes()[self._spoken :]:
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise KafkaUnavailable(f"Apache Kafka did not start; see {self.log}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start again, on the same ports and data."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def libraries() -> Path:
    """The folder of jars, brought there by Maven the first time. Raises KafkaUnavailable."""
    folder = _CACHE / hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise KafkaUnavailable(f"{tool} is not installed")
    if not folder.exists():
        fresh = folder.with_suffix(f".{os.getpid()}")
        command = ["mvn", "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={fresh}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_DOWNLOAD_SECONDS)
        if done.returncode:
            raise KafkaUnavailable(f"Maven could not bring Apache Kafka: {done.stdout.strip()[:300]}")
        fresh.rename(folder)
    return folder


def _java(classpath: str) -> list[str]:
    return ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classpath]


def _properties(bootstrap: str, data: Path) -> dict[str, str]:
    controller = f"127.0.0.1:{_free_port()}"
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{bootstrap},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{bootstrap}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "log.cleaner.backoff.ms": "200",
        "log.cleaner.dedupe.buffer.size": "8388608",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
