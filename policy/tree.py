"""A document as a tree of values that remember where they stand; it knows neither YAML nor what a policy is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from policy.errors import Problem

Path: TypeAlias = tuple[str | int, ...]
Scalar: TypeAlias = str | int | float | bool | None
Json: TypeAlias = "Scalar | dict[str, Json] | list[Json]"


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file, counted from 1."""

    file: str
    line: int
    column: int

    def problem(self, path: Path, reason: str) -> Problem:
        """What is wrong here."""
        return Problem(self.file, self.line, self.column, spell_path(path), reason)


@dataclass(frozen=True, slots=True)
class Node:
    """A value, where it stands, and where its name stands (its key; itself in a list)."""

    value: "Scalar | Mapping[str, Node] | tuple[Node, ...]"
    place: Place
    name: Place

    def plain(self) -> Json:
        """The bare value, as JSON knows it."""
        if isinstance(self.value, Mapping):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, tuple):
            return [child.plain() for child in self.value]
        return self.value

    def child(self, part: str | int) -> "Node | None":
        """The value under a key or index, None where there is none."""
        if isinstance(self.value, Mapping):
            return self.value.get(str(part))
        if isinstance(self.value, tuple) and isinstance(part, int) and part < len(self.value):
            return self.value[part]
        return None

    def without(self, *keys: str) -> "Node":
        """The same mapping without some of its keys."""
        if not isinstance(self.value, Mapping):
            return self
        return Node({key: child for key, child in self.value.items() if key not in keys}, self.place, self.name)

    def over(self, base: "Node") -> "Node":
        """This value laid over another: mappings merge deeply, everything else replaces."""
        if not (isinstance(self.value, Mapping) and isinstance(base.value, Mapping)):
            return self
        merged = dict(base.value)
        for key, child in self.value.items():
            merged[key] = child.over(merged[key]) if key in merged else child
        return Node(merged, self.place, self.name)


def spell_path(path: Path) -> str:
    """`("rows", 3, "block")` is written `rows[3].block`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
