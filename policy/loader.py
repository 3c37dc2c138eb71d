"""Reads a policy document, lays it over what it extends, and validates it; it decides nothing about its content."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from policy.diagnosis import diagnose, suggestion
from policy.document import read
from policy.errors import PolicyError, Problem
from policy.policy import Policy
from policy.source import Source, pack_names
from policy.tree import Node
from policy.version import LoadedPolicy, version_of

EXTENDS = "extends"
MAX_BASES = 8
_OWN = ("name", "author")


def load_policy(path: Path | str) -> LoadedPolicy:
    """Read a policy from a file, or from a pack when `path` is the bare name of one.

    Raises PolicyError with every problem found, each with file, line, column and field.

    >>> load_policy("azure-default").policy.mode
    'observe'
    """
    return _load(Source.pack(str(path)) if str(path) in pack_names() else Source.file(Path(path)))


def parse_policy(text: str | bytes, source: str) -> LoadedPolicy:
    """Read a policy from a text that came from elsewhere; `source` names it in messages.

    It may extend packs only: a text from outside opens no files. Raises PolicyError as `load_policy` does.
    """
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return _load(Source.of(source, raw))


@dataclass(frozen=True, slots=True)
class _Layer:
    source: Source
    node: Node
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, source: Source) -> "_Layer":
        return cls(source, *read(source))


def _load(source: Source) -> LoadedPolicy:
    layers = _layers(source)
    document = _merged(layers)
    problems = tuple(problem for layer in layers for problem in layer.problems)
    try:
        policy = Policy.model_validate_json(json.dumps(document.plain()), strict=True)
    except ValidationError as error:
        raise PolicyError(_in_reading_order(problems, diagnose(error, document))) from None
    if problems:
        raise PolicyError(problems)
    return LoadedPolicy(policy, version_of(policy), source.name, tuple(layer.source.name for layer in layers[1:]))


def _in_reading_order(unreadable: tuple[Problem, ...], invalid: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """A value that could not be read is not called invalid as well."""
    reported = {(problem.file, problem.line, problem.column) for problem in unreadable}
    fresh = (problem for problem in invalid if (problem.file, problem.line, problem.column) not in reported)
    return tuple(sorted((*unreadable, *fresh)))


def _layers(source: Source) -> list[_Layer]:
    layers = [_Layer.of(source)]
    while (base := layers[-1].node.child(EXTENDS)) is not None:
        try:
            found = _base(base, layers[-1].source)
            if len(layers) > MAX_BASES or found.name in {layer.source.name for layer in layers}:
                raise PolicyError((base.place.problem((EXTENDS,), "this goes round in circles, or on for too long"),))
            layers.append(_Layer.of(found))
        except PolicyError as error:
            raise PolicyError(
                tuple(problem for layer in layers for problem in layer.problems) + error.problems
            ) from None
    return layers


def _base(reference: Node, source: Source) -> Source:
    name, packs = reference.value, pack_names()
    if isinstance(name, str) and name in packs:
        return Source.pack(name)
    if not isinstance(name, str) or not name.endswith((".yaml", ".yml")):
        reason = f"must be a pack ({', '.join(packs)}) or the path of a .yaml file{suggestion(str(name), packs)}"
    elif source.directory is None:
        reason = "a policy that is not a file can extend packs only"
    elif not (source.directory / name).is_file():
        reason = "there is no such file"
    else:
        return Source.file(source.directory / name)
    raise PolicyError((reference.place.problem((EXTENDS,), reason),))


def _merged(layers: list[_Layer]) -> Node:
    document = layers[-1].node
    for layer in reversed(layers[:-1]):
        document = layer.node.over(document.without(*_OWN))
    return document.without(EXTENDS)
