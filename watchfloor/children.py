"""Child processes of `watchfloor dev`: started with this interpreter, logged to files, never left behind."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from broker.child import end_with_parent
from watchfloor.errors import CommandError

_PATIENCE_SECONDS = 15


class ChildEnded(CommandError):
    """A process that should run for as long as its parent has ended."""

    def __init__(self, name: str, code: int, log: Path) -> None:
        self.name, self.code, self.log = name, code, log
        super().__init__(f"{name} ended with code {code}; see {log}")


class Child:
    """A running `watchfloor` command."""

    def __init__(self, name: str, process: Process, log: Path) -> None:
        self.name, self._process, self._log = name, process, log

    @classmethod
    @asynccontextmanager
    async def running(cls, arguments: Sequence[str], env: Mapping[str, str], *, log: Path) -> AsyncIterator["Child"]:
        """Run `watchfloor ARGUMENTS` for as long as the block lasts; then stop it, by force if it takes too long."""
        with log.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "watchfloor", *arguments),
                env={**os.environ, **env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )
        child = cls(arguments[0], process, log)
        try:
            yield child
        finally:
            await child.stop()

    async def ended(self) -> None:
        """Wait for the process. Raises ChildEnded when it failed."""
        code = await self._process.wait()
        if code:
            raise ChildEnded(self.name, code, self._log)

    async def stop(self) -> None:
        """Ask it to stop, wait, insist."""
        if self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _PATIENCE_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
