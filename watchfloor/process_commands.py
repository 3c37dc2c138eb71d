"""Commands that run a process, or prepare what processes need: `worker`, `archiver`, `api`, `migrate`, `dev`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import structlog
import typer
from prometheus_client import Counter, start_http_server
from rich.console import Console

from api.serve import serve
from api.settings import ApiSettings
from broker.connection import KafkaSettings
from broker.topics import ensure_topics
from policy import load_policy
from sql.batch import StoredReport
from sql.follow import ArchiverSettings
from sql.migrate import check, down, status, up
from sql.restore import begin_epoch, current_epoch
from sql.settings import StoreSettings
from sql.store import Store, open_store
from streams.run import run_worker
from streams.settings import WorkerSettings
from streams.shadow import run_shadow
from watchfloor.dev import dev
from watchfloor.memory import keep_memory
from watchfloor.place import DEFAULT, Place
from watchfloor.processes import api_parts, run_archiver
from watchfloor.restore import restore
from watchfloor.shell import collect_rarely, log_to_stderr, now, settings_of, stop_on_signal, told_plainly

log = structlog.get_logger()

DEMO_USERS = 1000
PolicyName = Annotated[str, typer.Option("--policy", help="Policy file, or the name of a shipped pack.")]

migrate = typer.Typer(help="Bring the ClickHouse tables to this version, and back.", no_args_is_help=True)


def dev_command(
    demo: Annotated[bool, typer.Option("--demo", help="Add labelled traffic, and enforce.")] = False,
    data: Annotated[Path, typer.Option(help="Folder that keeps history, keys and tokens.")] = DEFAULT,
    port: Annotated[int, typer.Option(help="Port of the API.")] = 8080,
    policy: Annotated[str | None, typer.Option(help="Policy file or pack; by default azure-default, or demo.")] = None,
    users: Annotated[int, typer.Option(help="Users of the demo's traffic.")] = DEMO_USERS,
) -> None:
    """Run everything on this machine: broker, worker, archiver and API. Ctrl-C stops it; history stays."""
    log_to_stderr("WARNING")
    collect_rarely()
    name = policy or ("demo" if demo else "azure-default")
    with told_plainly():
        asyncio.run(
            dev(Place(data), port=port, policy_name=name, demo_users=users if demo else 0, console=Console(stderr=True))
        )


def worker_command(
    shadow: Annotated[
        str | None, typer.Option(help="Run this policy beside the live one and change nothing: file, or pack.")
    ] = None,
    name: Annotated[str, typer.Option(help="The shadow's name, in its topics and in the ledger of shadows.")] = "next",
) -> None:
    """Run one worker: detect, decide, notify. Settings: WATCHFLOOR_WORKER_*, WATCHFLOOR_KAFKA_*."""

    async def run(stop: asyncio.Event) -> None:
        settings, kafka = settings_of(WorkerSettings), settings_of(KafkaSettings)
        policy = load_policy(shadow or settings.policy)
        if shadow is None:
            await ensure_topics(kafka)
            await run_worker(settings, kafka, policy=policy, stop=stop)
            return
        own = kafka.shadowed(name)
        await ensure_topics(own)
        await run_shadow(settings, own, policy=policy, name=name, stop=stop)

    _run(run)


def archiver_command() -> None:
    """Run one archiver: store the log in ClickHouse. Settings: WATCHFLOOR_ARCHIVER_*, …_KAFKA_*, …_CLICKHOUSE_*."""
    rows = Counter("watchfloor_archived", "Records handled by the archiver, by outcome.", ["topic", "outcome"])

    def count(topic: str, report: StoredReport) -> None:
        for outcome in ("stored", "duplicate", "invalid", "already"):
            rows.labels(topic=topic, outcome=outcome).inc(getattr(report, outcome))

    async def run(stop: asyncio.Event) -> None:
        settings, kafka = settings_of(ArchiverSettings), settings_of(KafkaSettings)
        if settings.metrics_port is not None:
            start_http_server(settings.metrics_port, addr=settings.metrics_host)
        keep_memory()
        store = await asyncio.to_thread(_checked_store)
        log.info("archiver_started", prefix=kafka.topic_prefix)
        await run_archiver(settings, kafka, store, stop=stop, on_stored=count)

    _run(run)


def api_command(
    keys: Annotated[Path, typer.Option(envvar="WATCHFLOOR_KEYS", help="Pseudonym keys (JSON).")],
    policy: PolicyName = "azure-default",
) -> None:
    """Serve the API. Settings: WATCHFLOOR_API_*, WATCHFLOOR_KAFKA_*, WATCHFLOOR_CLICKHOUSE_*."""

    async def run(stop: asyncio.Event) -> None:
        settings, kafka = settings_of(ApiSettings), settings_of(KafkaSettings)
        store = await asyncio.to_thread(_checked_store)
        async with api_parts(settings, kafka, store, policy=load_policy(policy), keys=keys) as deps:
            await serve(deps, settings, stop, ready=lambda url: log.info("api_started", url=url))

    _run(run)


@migrate.command("up")
def migrate_up(policy: PolicyName = "azure-default") -> None:
    """Apply what is missing. Retention times come from the policy."""
    with told_plainly():
        store = open_store(settings_of(StoreSettings))
        for one in up(store, load_policy(policy).policy.retention, now=now()):
            typer.echo(f"applied {one.version:04} {one.name}")
        if not current_epoch(store):
            begin_epoch(store, now=now())


@migrate.command("down")
def migrate_down(
    to: Annotated[int, typer.Option(help="Version to go back to; 0 removes every table and its rows.")],
    policy: PolicyName = "azure-default",
) -> None:
    """Undo migrations, newest first. Rows of the tables removed are gone."""
    with told_plainly():
        for one in down(open_store(settings_of(StoreSettings)), load_policy(policy).policy.retention, now=now(), to=to):
            typer.echo(f"undone {one.version:04} {one.name}")


@migrate.command("status")
def migrate_status() -> None:
    """Every migration and whether it is applied."""
    with told_plainly():
        for one in status(open_store(settings_of(StoreSettings))):
            since = f"{one.at:%Y-%m-%d %H:%M}" if one.at else "-"
            typer.echo(
                f"{one.migration.version:04} {one.migration.name:<28} {'applied' if one.applied else '-':<8} {since}"
            )


def restore_command() -> None:
    """Rebuild an empty Kafka from ClickHouse: the latest state of every compacted topic, in a new epoch."""
    with told_plainly():
        kafka = settings_of(KafkaSettings)

        async def run() -> int:
            await ensure_topics(kafka)
            return await restore(kafka, _checked_store(), on_progress=lambda count: typer.echo(f"{count:,}", err=True))

        typer.echo(f"{asyncio.run(run()):,} states written")


def _checked_store() -> Store:
    store = open_store(settings_of(StoreSettings))
    check(store)
    return store


def _run(process: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    log_to_stderr()
    collect_rarely()

    async def run() -> None:
        await process(stop_on_signal())

    with told_plainly():
        asyncio.run(run())
