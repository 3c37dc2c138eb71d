"""A policy as people read it: the effective document as YAML, and what differs between two; it changes nothing."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import yaml

from policy.document import plain_tag
from policy.policy import Policy
from policy.tree import Json, Path, spell_path
from policy.version import LoadedPolicy


@dataclass(frozen=True, slots=True)
class Change:
    """A field that differs; its values as compact JSON, None where one side has no such entry."""

    field: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{self.field}: {self.before or '(absent)'} → {self.after or '(absent)'}"


class _Writer(yaml.SafeDumper):
    """Writes plain lists in one line, and quotes every text that our reader would take for something else."""

    def represent_scalar(self, tag: str, value: str, style: str | None = None) -> yaml.ScalarNode:
        is_ambiguous = tag == self.DEFAULT_SCALAR_TAG and plain_tag(value) != tag
        return super().represent_scalar(tag, value, "'" if is_ambiguous else style)

    def represent_sequence(
        self,
        tag: str,
        sequence: Iterable[Json],
        flow_style: bool | None = None,  # noqa: FBT001  # the library's signature
    ) -> yaml.SequenceNode:
        entries = tuple(sequence)
        return super().represent_sequence(tag, entries, not any(isinstance(entry, dict) for entry in entries))


def render(loaded: LoadedPolicy) -> str:
    """The effective document as YAML under a comment with its version and origin; reading it gives the same version."""
    origin = ", which extends ".join((loaded.source, *loaded.bases))
    body = yaml.dump(
        loaded.policy.model_dump(mode="json"), Dumper=_Writer, sort_keys=False, allow_unicode=True, width=110
    )
    return f"# {loaded.version}\n# from {origin}\n{body}"


def changes(before: Policy, after: Policy) -> tuple[Change, ...]:
    """The fields that differ, in the order of the document; entries of lists are compared by position."""
    old, new = (dict(_leaves(policy.model_dump(mode="json"), ())) for policy in (before, after))
    paths = dict.fromkeys((*old, *new))
    return tuple(
        Change(spell_path(path), old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)
    )


def _leaves(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    entries: Iterator[tuple[str | int, Json]] | None = None
    if isinstance(value, dict):
        entries = iter(value.items())
    elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        entries = enumerate(value)
    if entries is None:
        yield path, json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return
    for key, entry in entries:
        yield from _leaves(entry, (*path, key))
