"""Settings of the worker process; read from `WATCHFLOOR_WORKER_*` in the shell that starts it."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WorkerSettings(BaseSettings):
    """How one worker runs. What it looks for is in the policy, where Kafka is in the Kafka settings."""

    model_config = SettingsConfigDict(
        env_prefix="WATCHFLOOR_WORKER_", env_ignore_empty=True, frozen=True, use_attribute_docstrings=True
    )

    policy: str = "azure-default"
    """The policy: a file, or the name of a shipped pack."""
    group: str | None = None
    """The consumer group, shared by workers that share the partitions. Unset: prefix and `watchfloor-worker`."""
    flush_seconds: float = Field(default=0.1, gt=0, le=60)
    """How often a lane that keeps up with its input is made durable; one behind it, after two seconds at the latest."""
    batch_records: int = Field(default=5000, ge=1, le=100_000)
    """At most so many records are applied without letting other work in."""
    session_seconds: float = Field(default=10.0, ge=1, le=300)
    """A worker that is silent for this long loses its partitions to another."""
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Port of the Prometheus endpoint; null for none, 0 for any free one."""
    metrics_host: str = "127.0.0.1"
    """Address of the Prometheus endpoint."""
