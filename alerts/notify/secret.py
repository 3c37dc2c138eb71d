"""Reading a receiver's shared secret from its file; the secret never travels further than the receiver."""

import stat
from pathlib import Path

from alerts.errors import SecretRefused

SHORTEST = 32
"""Bytes; a 256-bit key in hexadecimal has 64."""

_BY_OTHERS = stat.S_IROTH | stat.S_IWOTH


def read_secret(path: Path) -> bytes:
    """The file's content without surrounding white space. Raises SecretRefused: missing, world_readable or short."""
    try:
        mode, secret = path.stat().st_mode, path.read_bytes().strip()
    except OSError:
        raise SecretRefused(path, "missing") from None
    if mode & _BY_OTHERS:
        raise SecretRefused(path, "world_readable")
    if len(secret) < SHORTEST:
        raise SecretRefused(path, "short")
    return secret
