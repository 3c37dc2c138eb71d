"""What pydantic found wrong, said at the place in the file where it stands; it validates nothing itself."""

import re
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from policy.errors import Problem
from policy.policy import Policy
from policy.section import Section
from policy.tree import Node, Path, Scalar


def diagnose(error: ValidationError, root: Node) -> tuple[Problem, ...]:
    """One problem per finding, each at its value, or at the field's name where a section or name is wrong."""
    details = error.errors(include_url=False, include_input=False)
    return tuple(_problem(detail, root) for detail in details if not _is_echo(detail, root))


def suggestion(wrong: str, known: tuple[str, ...]) -> str:
    """`; did you mean …?` where one of the known words is near, else nothing."""
    near = get_close_matches(wrong, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _is_echo(detail: ErrorDetails, root: Node) -> bool:
    """A list is also called too short when only its entries are wrong; the entries' own findings say more."""
    node = _nearest(root, detail["loc"])
    return detail["type"] == "too_short" and isinstance(node.value, tuple) and len(node.value) > 0


def _problem(detail: ErrorDetails, root: Node) -> Problem:
    path = detail["loc"]
    node = _nearest(root, path)
    by_name = detail["type"] in {"missing", "extra_forbidden"} or not isinstance(node.value, Scalar)
    return (node.name if by_name else node.place).problem(path, _reason(detail, node))


def _nearest(root: Node, path: Path) -> Node:
    node = root
    for part in path:
        child = node.child(part)
        if child is None:
            break
        node = child
    return node


def _reason(detail: ErrorDetails, node: Node) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return "this field is required"
        case "extra_forbidden":
            *parents, name = detail["loc"]
            return "unknown field" + suggestion(str(name), tuple(_section_at(tuple(parents)).model_fields))
        case "enum" | "literal_error":
            words = tuple(re.findall(r"'([^']*)'", context["expected"]))
            return "unknown word" + (suggestion(str(node.value), words) or f"; known are {', '.join(words)}")
        case "too_short":
            return "at least one entry is needed"
        case "model_type":
            return "fields are expected here"
        case "value_error":
            return str(context["error"])
    return detail["msg"]


def _section_at(path: Path) -> type[Section]:
    section: type[Section] = Policy
    for part in path:
        section = (section.section_of(part) if isinstance(part, str) else None) or section
    return section
