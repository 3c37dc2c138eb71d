"""A process that is measured: started here, paused, let go on, stopped by its id, never left behind."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bench.errors import ChildFailed
from broker.child import end_with_parent

_PATIENCE_SECONDS = 20
_PYTHON = Path(sys.executable)


class Child:
    """A running `PYTHON -m ARGUMENTS`."""

    def __init__(self, name: str, process: Process, log: Path) -> None:
        self.name, self.pid, self._process, self._log = name, process.pid, process, log

    @classmethod
    @asynccontextmanager
    async def running(
        cls, arguments: Sequence[str], env: Mapping[str, str], log: Path, *, python: Path = _PYTHON
    ) -> AsyncIterator["Child"]:
        """Run it for as long as the block lasts; what it says goes to `log`."""
        with log.open("ab") as file:
            process = await _start([str(python), "-m", *arguments], env, stdout=file, stderr=file)
        child = cls(" ".join(arguments), process, log)
        try:
            yield child
        finally:
            await child._stop()

    def pause(self) -> None:
        """Let it do nothing until `go_on`."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a paused process work again."""
        self._process.send_signal(signal.SIGCONT)

    def bind(self, core: int) -> None:
        """Let all its threads, and those that they start, run on one core only."""
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(task.name), {core})

    def check(self) -> None:
        """Raises ChildFailed when it has ended."""
        if self._process.returncode is not None:
            raise ChildFailed(self.name, self._process.returncode, self._log)

    async def _stop(self) -> None:
        with suppress(ProcessLookupError):
            self.go_on()
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _PATIENCE_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def answer_of(arguments: Sequence[str], env: Mapping[str, str], log: Path) -> bytes:
    """Run `python -m ARGUMENTS` to its end; what it printed. Raises ChildFailed."""
    with log.open("ab") as file:
        process = await _start([str(_PYTHON), "-m", *arguments], env, stdout=PIPE, stderr=file)
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise ChildFailed(" ".join(arguments), process.returncode, log)
    return printed


async def _start(command: Sequence[str], env: Mapping[str, str], *, stdout: object, stderr: object) -> Process:
    return await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **env},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,  # type: ignore[arg-type]  # typeshed wants an int or a file, and we have either
        stderr=stderr,  # type: ignore[arg-type]  # typeshed wants an int or a file, and we have either
        start_new_session=True,
        preexec_fn=end_with_parent(),
    )
