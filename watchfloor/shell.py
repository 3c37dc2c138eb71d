"""What every process shell needs: logging, stopping by signal, the clock, and errors told in one line."""

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeVar

import aiohttp
import structlog
import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from alerts.errors import AlertsError
from api.errors import ApiError
from broker.errors import BrokerError
from events.errors import EventError
from policy import PolicyError
from sql.errors import StoreError
from streams.errors import StreamError
from traffic.errors import TrafficError
from watchfloor.errors import BadSettings, CommandError

S = TypeVar("S", bound=BaseSettings)

USER_ERRORS = (
    AlertsError,
    ApiError,
    aiohttp.ClientError,
    BrokerError,
    CommandError,
    EventError,
    OSError,
    PolicyError,
    StoreError,
    StreamError,
    TrafficError,
)


def now() -> datetime:
    """The present; processes read it here and pass it down."""
    return datetime.now(UTC)  # noqa: TID251  the one clock of the command line


def log_to_stderr(level: str = "INFO") -> None:
    """One JSON object per line; libraries below WARNING are silent."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    for library in ("faust", "mode"):  # they log what we raise and report, with a trace
        logging.getLogger(library).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def collect_rarely() -> None:
    """Make the garbage collector look at long-lived state less often: a fifth of a busy process's time (measured)."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def stop_on_signal() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set; call it inside the running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def settings_of(kind: type[S]) -> S:
    """A process's settings from its environment. Raises BadSettings."""
    try:
        return kind()
    except ValidationError as error:
        prefix = str(kind.model_config.get("env_prefix", ""))
        found = error.errors(include_input=False, include_context=False, include_url=False)
        names = [".".join(map(str, one["loc"])) or "settings" for one in found]
        problems = [(f"{prefix}{name.upper()}", one["msg"]) for name, one in zip(names, found, strict=True)]
        raise BadSettings(problems) from None


@contextlib.contextmanager
def told_plainly() -> Iterator[None]:
    """Turn what a user can do something about into one line and exit code 1; a bug still shows its trace."""
    try:
        yield
    except USER_ERRORS as error:
        typer.echo(f"watchfloor: {error}", err=True)
        raise typer.Exit(1) from None
