"""`watchfloor dev`: the whole loop on one machine, with the embedded broker and the embedded ClickHouse."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console

from api.serve import serve
from api.settings import ApiSettings
from broker.connection import KafkaSettings
from broker.embedded import EmbeddedBroker
from broker.topics import ensure_topics
from policy import LoadedPolicy, load_policy
from sql.errors import StoreUnavailable
from sql.follow import ArchiverSettings
from sql.migrate import up
from sql.settings import StoreSettings
from sql.store import Store, open_store
from sql.totals import totals
from watchfloor.children import Child
from watchfloor.place import Place
from watchfloor.processes import api_parts, run_archiver
from watchfloor.restore import restore
from watchfloor.screen import Screen
from watchfloor.shell import now, stop_on_signal

_DEMO_HOURS = 24
_SESSION_SECONDS = 6.0


async def dev(place: Place, *, port: int, policy_name: str, demo_users: int, console: Console) -> None:
    """Run broker, worker, archiver and API until a signal; `demo_users` > 0 adds labelled traffic.

    What earlier runs stored is there again: the log is rebuilt from ClickHouse before anything reads it.
    """
    stop = stop_on_signal()
    place.prepare()
    policy = load_policy(policy_name)
    ready = asyncio.Event()
    async with AsyncExitStack() as stack:
        store = await asyncio.to_thread(_open, place, policy)
        stack.callback(store.close)
        broker = await stack.enter_async_context(EmbeddedBroker(place.log("broker")))
        kafka = broker.settings
        await _fill(kafka, store, console)
        settings = ApiSettings(port=port, tokens=place.tokens)
        deps = await stack.enter_async_context(api_parts(settings, kafka, store, policy=policy, keys=place.keys))
        worker = await stack.enter_async_context(_worker(place, kafka, policy_name))
        stack.callback(place.forget_address)
        jobs = [
            _attend(worker, stop),
            run_archiver(ArchiverSettings(session_seconds=_SESSION_SECONDS), kafka, store, stop=stop),
            serve(deps, settings, stop, ready=_announce(place, console, ready)),
            _draw(Screen(console, views=deps.views, feed=deps.feed), store, stop),
        ]
        if demo_users:
            jobs.append(_demo(place, demo_users, ready=ready, stop=stop))
        await _until_one_ends(jobs, stop)
        console.print("stopping …")


def _open(place: Place, policy: LoadedPolicy) -> Store:
    store = open_store(StoreSettings(path=place.clickhouse))
    up(store, policy.policy.retention, now=now())
    return store


async def _fill(kafka: KafkaSettings, store: Store, console: Console) -> None:
    await ensure_topics(kafka)
    written = await restore(kafka, store, on_progress=lambda _: None)
    if written:
        console.print(f"history found: {written:,} states written back to the log")


def _worker(place: Place, kafka: KafkaSettings, policy_name: str) -> Any:
    env = {
        "WATCHFLOOR_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "WATCHFLOOR_KAFKA_PARTITIONS": str(kafka.partitions),
        "WATCHFLOOR_KAFKA_EMBEDDED": "true",
        "WATCHFLOOR_WORKER_POLICY": policy_name,
        "WATCHFLOOR_WORKER_SESSION_SECONDS": str(_SESSION_SECONDS),
    }
    return Child.running(["worker"], env, log=place.log("worker"))


def _announce(place: Place, console: Console, ready: asyncio.Event) -> Callable[[str], None]:
    def announce(url: str) -> None:
        place.answers_at(url)
        console.print(f"API    {url}   (OpenAPI at /openapi.json)")
        console.print(f"token  {place.token.read_text('utf-8').strip()}   (kept in {place.token})")
        console.print(f"logs   {place.log('worker').parent}   ·   Ctrl-C stops everything")
        ready.set()

    return announce


async def _draw(screen: Screen, store: Store, stop: asyncio.Event) -> None:
    with screen:
        while not stop.is_set():
            with suppress(StoreUnavailable):
                screen.show(await asyncio.to_thread(totals, store))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1)


async def _demo(place: Place, users: int, *, ready: asyncio.Event, stop: asyncio.Event) -> None:
    await ready.wait()
    start = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=_DEMO_HOURS)
    arguments = _demo_arguments(place, users, start)
    async with Child.running(arguments, {}, log=place.log("demo")) as child:
        await _attend(child, stop)
    await stop.wait()


async def _attend(child: Child, stop: asyncio.Event) -> None:
    ended, stopped = asyncio.create_task(child.ended()), asyncio.create_task(stop.wait())
    await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    await child.stop()
    if not stop.is_set():
        await ended
    ended.cancel()


def _demo_arguments(place: Place, users: int, start: datetime) -> list[str]:
    return [
        "demo-traffic",
        *("--users", str(users), "--start", start.isoformat(), "--hours", str(_DEMO_HOURS)),
        *("--seed", str(int(start.timestamp()) // 3600), "--data", str(place.root)),
    ]


async def _stopped(stop: asyncio.Event) -> None:
    await stop.wait()


async def _until_one_ends(jobs: list[Coroutine[Any, Any, None]], stop: asyncio.Event) -> None:
    tasks = [asyncio.create_task(job) for job in jobs]
    tasks.append(asyncio.create_task(_stopped(stop)))
    done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    _, late = await asyncio.wait(running, timeout=20)
    for task in late:
        task.cancel()
    for task in done:
        task.result()
