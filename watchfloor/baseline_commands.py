"""`watchfloor baseline`: fits what is usual on the stored traffic, and publishes it for the workers."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.view import read_all
from events.topics import BASELINES
from streams.detectors.baselines import Baseline
from streams.detectors.gamma_poisson import Prior
from streams.detectors.prior_fit import SubjectCount, fit_all
from watchfloor.client import Client
from watchfloor.place import DEFAULT, Target, target
from watchfloor.rows import Json, show_rows
from watchfloor.shell import now, settings_of, told_plainly
from watchfloor.traffic_commands import Data, TokenFile, Url

baseline = typer.Typer(help="What is usual: priors fitted on the population.", no_args_is_help=True)

_EARLIEST = timedelta(hours=1)
"""A baseline holds only after every worker has read it, so that a replay judges as the live run did."""


@baseline.command("fit")
def fit_command(
    days: Annotated[int, typer.Option(help="Fit on so many days before now.")] = 28,
    publish: Annotated[bool, typer.Option("--publish", help="Send what was fitted to the workers.")] = False,
    json: Json = False,
    data: Data = DEFAULT,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Fit the repeat-offender prior per tenant and over all. With --publish it holds from the hour after next on."""
    with told_plainly():
        fitted_to = now()
        rates = asyncio.run(_rates(fitted_to - timedelta(days=days), target(data, url, token_file)))
        rows, baselines = fitted(rates, fitted_to=fitted_to)
        show_rows(rows, as_json=json)
        if publish:
            asyncio.run(_publish(baselines))
            typer.echo(f"{len(baselines)} baselines published", err=True)


@baseline.command("list")
def list_command(json: Json = False) -> None:
    """The baselines that workers know. Needs Kafka's settings."""
    with told_plainly():
        known = asyncio.run(_published())
        show_rows([one.model_dump(mode="json", exclude={"v"}) for one in known], as_json=json)


def fitted(rates: list[dict[str, Any]], *, fitted_to: datetime) -> tuple[list[dict[str, Any]], list[Baseline]]:
    """A row per product for people, and the baselines of those that could be fitted."""
    products: defaultdict[str, list[SubjectCount]] = defaultdict(list)
    for row in rates:
        count = SubjectCount(int(row["violations"]), int(row["requests"]))
        products[row["tenant"]].extend([count] * int(row["subjects"]))
    everybody = sum(map(len, products.values()))
    holds_from = _hour_after(fitted_to + _EARLIEST)
    rows: list[dict[str, Any]] = []
    baselines: list[Baseline] = []
    for product, found in fit_all(products).items():
        subjects = len(products[product]) if product in products else everybody
        row = {"product": product, "subjects": subjects, "violations": "", "requests": "", "typical": "", "refused": ""}
        if isinstance(found, Prior):
            one = Baseline.of(found, product, subjects=subjects, fitted_to=fitted_to, holds_from=holds_from)
            baselines.append(one)
            a, b = f"{found.violations:.4g}", f"{found.requests:.4g}"
            row |= {"violations": a, "requests": b, "typical": f"{found.violations / found.requests:.3%}"}
        else:
            row["refused"] = str(found)
        rows.append(row)
    return rows, baselines


def _hour_after(moment: datetime) -> datetime:
    return datetime.fromtimestamp(-(-moment.timestamp() // 3600) * 3600, UTC)


async def _rates(since: datetime, goal: Target) -> list[dict[str, Any]]:
    async with Client.connected(goal) as client:
        answer = await client.get("/v1/queries/subject_rates", {"from": f"{since:%Y-%m-%d %H:%M:%S}"})
    rows: list[dict[str, Any]] = answer["rows"]
    return rows


async def _publish(baselines: list[Baseline]) -> None:
    kafka = settings_of(KafkaSettings)
    producer = BulkProducer(kafka)
    await producer.start()
    try:
        await producer.send(
            [
                Outgoing(BASELINES.name, one.id.encode(), one.model_dump_json().encode(), partition)
                for one in baselines
                for partition in range(kafka.partitions)
            ]
        )
    finally:
        await producer.stop()


async def _published() -> list[Baseline]:
    records = [one async for one in read_all(settings_of(KafkaSettings), BASELINES.name, [0])]
    return [Baseline.model_validate_json(one.value) for one in records if one.value]
