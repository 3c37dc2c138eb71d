"""Where the text of a policy comes from, a file or a pack; it reads bytes and understands no YAML."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Self

from policy.errors import PolicyError, Problem

MAX_BYTES = 1024 * 1024


def pack_names() -> tuple[str, ...]:
    """The names of the packs that come with Watchfloor, sorted."""
    texts = (files("policy") / "packs").iterdir()
    return tuple(sorted(text.name.removesuffix(".yaml") for text in texts if text.name.endswith(".yaml")))


@dataclass(frozen=True, slots=True)
class Source:
    """A policy's text and its name in messages; `directory` is where relative paths start, None: nowhere."""

    name: str
    text: str
    directory: Path | None = None

    @classmethod
    def of(cls, name: str, raw: bytes, directory: Path | None = None) -> Self:
        """Decode what was read. Raises PolicyError when it is over 1 MiB or not UTF-8."""
        if len(raw) > MAX_BYTES:
            raise PolicyError((Problem(name, 1, 1, "", "the document is larger than 1 MiB"),))
        try:
            return cls(name, raw.decode("utf-8"), directory)
        except UnicodeDecodeError as error:
            good = raw[: error.start].decode("utf-8")
            line, column = good.count("\n") + 1, len(good) - (good.rfind("\n") + 1) + 1
            raise PolicyError((Problem(name, line, column, "", "this byte is not UTF-8"),)) from None

    @classmethod
    def pack(cls, name: str) -> Self:
        """Read one of `pack_names()`."""
        return cls.of(f"pack:{name}", (files("policy") / "packs" / f"{name}.yaml").read_bytes())

    @classmethod
    def file(cls, path: Path) -> Self:
        """Read a file. Raises PolicyError when it cannot be read, is too large or not UTF-8."""
        try:
            with path.open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
        except OSError as error:
            reason = f"the file cannot be read: {error.strerror}"
            raise PolicyError((Problem(str(path), 1, 1, "", reason),)) from None
        return cls.of(str(path), raw, path.parent)
