"""Errors of the policy package: what is wrong with a document and where; how that is shown is the caller's business.

PolicyError    the root: a document is refused, with every problem that was found in it
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a policy document. Lines and columns count from 1."""

    file: str
    """The file, or `pack:<name>`."""
    line: int
    """The line of the value, or of the key where a whole section is wrong."""
    column: int
    """The column, in characters."""
    field: str
    """The field's path, e.g. `guardrails.rows[3].block`; empty for the document as a whole."""
    reason: str
    """What is wrong, in plain words; never the value itself."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        return ": ".join(part for part in (where, self.field, self.reason) if part)


class PolicyError(Exception):
    """A policy document is refused; `problems` lists all that is wrong with it, in reading order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))
