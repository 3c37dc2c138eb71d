"""YAML text read into a tree of placed values, within bounds; it knows YAML, not what a policy is.

Plain values are read as YAML 1.2 does (`on` and `no` are words, not booleans), so that no field name is special.
"""

import re
from collections.abc import Callable

import yaml
from yaml.composer import ComposerError

from policy.errors import PolicyError, Problem
from policy.source import Source
from policy.tree import Node, Path, Place, Scalar

MAX_DEPTH = 20
MAX_ALIASES = 50
MAX_VALUES = 20_000
MAX_NAME = 64

_TAG = "tag:yaml.org,2002:"
_PLAIN = (
    (f"{_TAG}null", re.compile(r"~|null|")),
    (f"{_TAG}bool", re.compile(r"[Tt]rue|[Ff]alse")),
    (f"{_TAG}int", re.compile(r"[-+]?[0-9]{1,18}")),
    (f"{_TAG}float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")),
)


def plain_tag(value: str) -> str:
    """The YAML tag of an unquoted value: null, bool, int, float, else str."""
    return next((tag for tag, pattern in _PLAIN if pattern.fullmatch(value)), f"{_TAG}str")


class _Yaml(yaml.SafeLoader):
    """Composes nodes within bounds, so that no document can exhaust the stack."""

    depth = 0
    aliases = 0
    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.aliases += self.check_event(yaml.AliasEvent)
        self.nodes += 1
        if self.nodes > 2 * MAX_VALUES:
            raise self._bound(f"more than {MAX_VALUES} values")
        if self.aliases > MAX_ALIASES:
            raise self._bound(f"more than {MAX_ALIASES} aliases")
        if self.depth == MAX_DEPTH:
            raise self._bound(f"nested deeper than {MAX_DEPTH} levels")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        if kind is yaml.ScalarNode:
            return plain_tag(value) if implicit[0] else self.DEFAULT_SCALAR_TAG
        return self.DEFAULT_SEQUENCE_TAG if kind is yaml.SequenceNode else self.DEFAULT_MAPPING_TAG

    def _bound(self, reason: str) -> ComposerError:
        return ComposerError(None, None, reason, self.current_event.start_mark)


def read(source: Source) -> tuple[Node, tuple[Problem, ...]]:
    """Read a document: what could be read, and the problems met on the way.

    Raises PolicyError where nothing can be read: broken or empty YAML, or a bound is passed.
    """
    builder = _Builder(source.name)
    node = builder.node(_compose(source), ())
    return node, tuple(builder.problems)


def _compose(source: Source) -> yaml.Node:
    start = Place(source.name, 1, 1)
    try:
        node = yaml.compose(source.text, Loader=_Yaml)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(source.name, mark.line + 1, mark.column + 1) if mark else start
        raise PolicyError((place.problem((), f"not readable as YAML: {error.problem or error.context}"),)) from None
    except (yaml.YAMLError, ValueError, OverflowError):
        reason = "not readable as YAML: it holds a character that no text may hold"
        raise PolicyError((start.problem((), reason),)) from None
    if node is None:
        raise PolicyError((start.problem((), "the document is empty"),))
    return node


class _Builder:
    """Turns composed YAML nodes into placed values; collects problems instead of stopping at the first."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.values = 0

    def node(self, raw: yaml.Node, path: Path, *, name: Place | None = None) -> Node:
        place = self._place(raw)
        self.values += 1
        if len(path) > MAX_DEPTH or self.values > MAX_VALUES:
            raise PolicyError((*self.problems, place.problem(path, f"the document holds over {MAX_VALUES} values")))
        match raw:
            case yaml.MappingNode(tag="tag:yaml.org,2002:map"):
                return Node(self._mapping(raw, path), place, name or place)
            case yaml.SequenceNode(tag="tag:yaml.org,2002:seq"):
                items = enumerate(raw.value)
                return Node(tuple(self.node(item, (*path, index)) for index, item in items), place, name or place)
        return Node(self._scalar(raw, path), place, name or place)

    def _mapping(self, raw: yaml.MappingNode, path: Path) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for key, value in raw.value:
            name = self._place(key)
            if not _is_name(key):
                self.problems.append(name.problem(path, "a field's name must be a plain word"))
                continue
            inside = (*path, key.value)
            if key.value in entries:
                first = entries[key.value].name.line
                self.problems.append(name.problem(inside, f"this field is given twice, first in line {first}"))
            entries[key.value] = self.node(value, inside, name=name)
        return entries

    def _scalar(self, raw: yaml.Node, path: Path) -> Scalar:
        try:
            return _SCALARS[raw.tag.removeprefix(_TAG)](raw.value)
        except (KeyError, ValueError):
            self.problems.append(self._place(raw).problem(path, "this is no plain value (YAML tags are not allowed)"))
            return None

    def _place(self, raw: yaml.Node) -> Place:
        return Place(self.file, raw.start_mark.line + 1, raw.start_mark.column + 1)


def _is_name(key: yaml.Node) -> bool:
    return isinstance(key, yaml.ScalarNode) and len(key.value) <= MAX_NAME and str(key.value).isprintable()


def _text(value: str) -> str:
    value.encode()  # half of a surrogate pair, which "\ud800" spells, is a ValueError here
    return value


_SCALARS: dict[str, Callable[[str], Scalar]] = {
    "str": _text,
    "null": lambda _: None,
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
    "int": int,
    "float": float,
}
