"""Reads the package's own SQL statements, which live in files; named queries for people are in `sql.query`."""

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> str:
    """The text of `statements/<name>.sql`. Parameters are server-side."""
    return files("sql").joinpath("statements", f"{name}.sql").read_text("utf-8")
