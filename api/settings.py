"""The settings of the API process, from its environment; thresholds of abuse are policy, not settings."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_SHORT = timedelta(seconds=5)


class ApiSettings(BaseSettings):
    """Read from `WATCHFLOOR_API_*`; frozen, so one process has one set."""

    model_config = SettingsConfigDict(
        env_prefix="WATCHFLOOR_API_", env_ignore_empty=True, frozen=True, use_attribute_docstrings=True
    )

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """TCP port; 0 takes a free one."""
    tls_certificate: Path | None = None
    """PEM file with the certificate chain; without it the API speaks plain HTTP."""
    tls_key: Path | None = None
    """PEM file with the certificate's key."""
    tokens: Path = Path("tokens.yaml")
    """The token file: hashes, scopes and tenants; not readable by others."""
    open_metrics: bool = False
    """Serve /metrics without a token, for a scraper on a closed network."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = 8 * 1024 * 1024
    """A larger body is refused with 413, counted after decompression."""
    max_items: Annotated[int, Field(ge=1)] = 10_000
    """Items in one ingest request."""
    max_depth: Annotated[int, Field(ge=4, le=200)] = 64
    """Nesting of one ingested item."""
    request_timeout: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(seconds=30)
    """A request that takes longer is answered with 504; streams are exempt."""
    command_patience: Annotated[timedelta, Field(gt=timedelta(0))] = _SHORT
    """How long a command's outcome is waited for before 202 is answered."""
    heartbeat: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(seconds=15)
    """Silence on a stream after which a comment keeps it open."""
    stream_queue: Annotated[int, Field(ge=1)] = 1_000
    """Changes kept for a client that reads slowly; past it the client is cut."""
    max_streams: Annotated[int, Field(ge=1)] = 1_000
    """Streams open at once; the next is refused with 503."""
    feed_size: Annotated[int, Field(ge=1)] = 10_000
    """Alerts and decisions kept in memory; older ones come from ClickHouse."""
    drain: Annotated[timedelta, Field(gt=timedelta(0))] = _SHORT
    """How long open requests may go on when the process stops."""
