"""Prints rows on the terminal, as a table or as JSON lines; it computes nothing."""

from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print JSON lines instead of a table.")]


def show_rows(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """The keys of the first row are the columns."""
    if as_json:
        for row in rows:
            typer.echo(msgspec.json.encode(row).decode())
        return
    if not rows:
        typer.echo("no rows", err=True)
        return
    table = Table(*map(str, rows[0]))
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)
