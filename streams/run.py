"""Runs one worker until it is told to stop or cannot go on; the only place that starts and stops its parts."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from prometheus_client import start_http_server

from alerts.notify.receivers import open_receivers
from broker.connection import KafkaSettings
from policy import LoadedPolicy
from streams.app import Worker, create_app
from streams.deliver import deliver
from streams.settings import WorkerSettings

log = structlog.get_logger()


async def run_worker(
    settings: WorkerSettings,
    kafka: KafkaSettings,
    *,
    policy: LoadedPolicy,
    stop: asyncio.Event,
    create: Callable[[WorkerSettings, KafkaSettings, LoadedPolicy], Worker] = create_app,
) -> None:
    """Return when `stop` is set and everything applied is durable. Raises what made the worker stop by itself."""
    app = create(settings, kafka, policy)
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, addr=settings.metrics_host)
    async with open_receivers(policy.policy) as receivers:
        await _first(app.start(), app.failed.wait(), stop.wait())
        if app.failure is None:
            log.info("worker_started", group=app.conf.id, policy=policy.version, mode=policy.policy.mode)
        delivering = asyncio.create_task(deliver(app.checkpoint, receivers), name="deliver")
        await _first(stop.wait(), app.failed.wait(), app.wait_until_stopped())
        delivering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivering
        await _leave(app)
    failure = app.failure or app.crash_reason
    if failure is not None:
        raise failure


async def _leave(app: Worker) -> None:
    """Flush and leave the group. A broker that is away, or a rebalance under way, can keep either from ever being done.

    What is not durable then is read again by whoever has the partitions next.
    """
    close = app.checkpoint.close  # a second time, since a rebalance under way may open lanes while the group is left
    for step, name in ((close, "closed_without_flush"), (app.stop, "left_without_goodbye"), (close, "lanes_left_open")):
        leaving = asyncio.create_task(step())
        await asyncio.wait({leaving}, timeout=app.leave_seconds)
        if leaving.done() and not leaving.cancelled():
            leaving.result()
        else:
            leaving.cancel()
            log.warning(name, group=app.conf.id)


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    tasks = [asyncio.create_task(wait) for wait in waits]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    for task in done:
        task.result()
