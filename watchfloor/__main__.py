"""`watchfloor`: the commands, registered in one place; what they do is in the modules beside it."""

import typer

from watchfloor.backtest_commands import backtest_command
from watchfloor.baseline_commands import baseline
from watchfloor.document_commands import key_command, policy, schema_command, token_command
from watchfloor.explain_commands import explain_command
from watchfloor.process_commands import (
    api_command,
    archiver_command,
    dev_command,
    migrate,
    restore_command,
    worker_command,
)
from watchfloor.question_commands import (
    books_command,
    dead_letters,
    query_command,
    reconcile_command,
)
from watchfloor.traffic_commands import demo_traffic_command, score_command, send_command, simulate_command

COMMANDS = (
    ("dev", dev_command),
    ("worker", worker_command),
    ("archiver", archiver_command),
    ("api", api_command),
    ("restore", restore_command),
    ("simulate", simulate_command),
    ("send", send_command),
    ("score", score_command),
    ("backtest", backtest_command),
    ("query", query_command),
    ("explain", explain_command),
    ("books", books_command),
    ("reconcile", reconcile_command),
    ("schema", schema_command),
    ("token", token_command),
    ("key", key_command),
)


def create_cli() -> typer.Typer:
    """The command line."""
    cli = typer.Typer(
        help="The abuse-monitoring floor for applications built on language models.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for name, command in COMMANDS:
        cli.command(name)(command)
    cli.command("demo-traffic", hidden=True)(demo_traffic_command)
    cli.add_typer(migrate, name="migrate")
    cli.add_typer(policy, name="policy")
    cli.add_typer(baseline, name="baseline")
    cli.add_typer(dead_letters, name="dead-letters")
    return cli


def main() -> None:
    """Entry point of the `watchfloor` script."""
    create_cli()()


if __name__ == "__main__":
    main()
