"""Virtual environments of the peers, made on demand from pinned requirements and kept in `.cache/bench`."""

import asyncio
import hashlib
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

from bench.errors import Unavailable

REQUIREMENTS = Path(__file__).parent / "peers" / "requirements"
_CACHE = Path(__file__).parents[1] / ".cache" / "bench"
_LONGEST_SECONDS = 900


async def python_of(peer: str, *, pinned: Path = REQUIREMENTS, cache: Path = _CACHE) -> Path:
    """The interpreter that has the peer's packages; some minutes the first time. Raises Unavailable with the reason.

    Only wheels are installed, and only those whose hashes are pinned: nothing is built on this machine. Whom the system
    trusts is trusted, as pip does.
    """
    requirements = pinned / f"{peer}.txt"
    folder = cache / f"{peer}-{_mark(requirements)}"
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        await _uv(peer, "venv", "-q", "--python", sys.executable, str(folder))
        options = ("--system-certs", "--require-hashes", "--only-binary", ":all:", "-r", str(requirements))
        await _uv(peer, "pip", "install", "-q", "--python", str(python), *options)
        (folder / ".ready").touch()
    return python


def _mark(requirements: Path) -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}".encode()
    return hashlib.sha256(version + requirements.read_bytes()).hexdigest()[:12]


async def _uv(peer: str, *arguments: str) -> None:
    command = (sys.executable, "-m", "uv", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
    try:
        _, said = await asyncio.wait_for(process.communicate(), _LONGEST_SECONDS)
    except TimeoutError:
        raise Unavailable(peer, f"not installed within {_LONGEST_SECONDS} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        words = " ".join(said.decode("utf-8", "replace").split())
        raise Unavailable(peer, f"does not install: {words[:300]}")
