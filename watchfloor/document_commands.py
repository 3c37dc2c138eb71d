"""Commands about documents: `schema` prints contracts, `policy` checks and shows policies, `token` makes tokens."""

import json
from pathlib import Path
from typing import Annotated

import typer
import yaml

from api.tokens import hash_of, new_token
from events.pseudonym import new_key
from events.schema import schemas
from policy import load_policy
from policy.schema import policy_schema
from policy.show import changes, render
from watchfloor.shell import told_plainly

policy = typer.Typer(help="Check, show and compare policies.", no_args_is_help=True)
PolicyFile = Annotated[str, typer.Argument(help="Policy file, or the name of a shipped pack.")]


def schema_command(
    name: Annotated[str | None, typer.Argument(help="One schema only: an event, Envelope, or policy.")] = None,
) -> None:
    """Print the JSON Schemas of the events, the envelope and the policy."""
    known = {**schemas(), "policy": policy_schema()}
    if name is not None and name not in known:
        typer.echo(f"watchfloor: no schema {name!r}; there are {', '.join(known)}", err=True)
        raise typer.Exit(1)
    typer.echo(json.dumps(known[name] if name else known, indent=2))


@policy.command("check")
def policy_check(document: PolicyFile) -> None:
    """Validate a policy; every problem with its file, line and field."""
    with told_plainly():
        loaded = load_policy(document)
        typer.echo(f"{document}: valid, {loaded.version}")


@policy.command("show")
def policy_show(document: PolicyFile) -> None:
    """Print the policy in force: everything it says and everything it inherits."""
    with told_plainly():
        typer.echo(render(load_policy(document)))


@policy.command("diff")
def policy_diff(before: PolicyFile, after: PolicyFile) -> None:
    """What changes between two policies."""
    with told_plainly():
        for change in changes(load_policy(before).policy, load_policy(after).policy):
            typer.echo(f"{change.field}: {change.before} -> {change.after}")


def token_command(
    name: Annotated[str, typer.Argument(help="Whose it is; shown in the ledger.")],
    scope: Annotated[list[str], typer.Option(help="ingest, gateway, analyst, reviewer or admin; repeatable.")],
    tenant: Annotated[list[str], typer.Option(help="Tenant, or * for all; repeatable.")],
) -> None:
    """Make an API token: the secret goes to stderr, once; the entry for the token file to stdout."""
    secret = new_token()
    entry = {"name": name, "sha256": hash_of(secret), "scopes": scope, "tenants": tenant}
    typer.echo(secret, err=True)
    typer.echo(yaml.safe_dump([entry], sort_keys=False), nl=False)


def key_command(path: Annotated[Path, typer.Argument(help="Key file; a new current key is put first.")]) -> None:
    """Make or rotate the pseudonym keys. Older keys stay, so that older pseudonyms are still found."""
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    path.touch(mode=0o600)
    path.write_text(json.dumps({f"k{len(known) + 1}": new_key(), **known}, indent=2), "utf-8")
    typer.echo(f"{path}: k{len(known) + 1} is the current key")
