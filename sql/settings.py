"""How to reach ClickHouse, embedded or as a server: the settings that every process shares; it opens no connection."""

from pathlib import Path
from typing import Self

from pydantic import Field, HttpUrl, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class StoreSettings(BaseSettings):
    """Where rows are kept and how to get in; read from `WATCHFLOOR_CLICKHOUSE_*`, frozen."""

    model_config = SettingsConfigDict(
        env_prefix="WATCHFLOOR_CLICKHOUSE_", env_ignore_empty=True, frozen=True, use_attribute_docstrings=True
    )

    url: HttpUrl = HttpUrl("http://127.0.0.1:8123")
    """HTTP interface of the server; `https` for TLS. Ignored when `path` is set."""
    path: Path | None = None
    """Folder of the embedded ClickHouse; only one process may have it open."""
    database: str = Field(default="watchfloor", pattern=r"^[a-z][a-z0-9_]{0,62}$")
    """The database that holds every table; created by `watchfloor migrate up`."""
    cluster: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    """Create tables ON CLUSTER of this name."""
    replicated: bool = False
    """Use the Replicated table engines, with the server's default replica path."""
    user: str = "default"
    """The ClickHouse user."""
    password_file: Path | None = None
    """File that holds the user's password; no password when unset."""
    ca_file: Path | None = None
    """PEM file of the authorities that signed the server's certificate; the system's authorities when unset."""
    cert_file: Path | None = None
    """PEM file of the client certificate, for mutual TLS."""
    key_file: Path | None = None
    """PEM file of the client certificate's key."""
    connect_seconds: int = Field(default=10, ge=1, le=300)
    """How long to wait for a connection, in seconds."""
    free_bytes: int = Field(default=256 << 20, ge=0)
    """Nothing is inserted while the disk has less room: ClickHouse may damage what it writes when the disk is full."""
    answer_seconds: int = Field(default=300, ge=1, le=86_400)
    """How long to wait for an answer, in seconds."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.path and (self.cluster or self.replicated):
            raise ValueError("the embedded ClickHouse is one process: it has no cluster and no replicas")
        if self.key_file and not self.cert_file:
            raise ValueError("key_file needs cert_file")
        return self

    def password(self) -> str:
        """The password, read from its file. Raises OSError when the file is missing."""
        return self.password_file.read_text(encoding="utf-8").strip() if self.password_file else ""
