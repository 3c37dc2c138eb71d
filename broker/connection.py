"""How to reach the Kafka cluster: the settings that every process shares; it opens no connection itself."""

import re
from pathlib import Path
from typing import Any, Literal, Self

from aiokafka.helpers import create_ssl_context
from pydantic import Field, PrivateAttr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from broker.errors import BadShadowName
from events.topics import BASELINES, EVENT_TOPICS, SHADOW_LEDGER, Topic

_SHARED = frozenset((SHADOW_LEDGER.name, BASELINES.name, *(topic.name for topic, _ in EVENT_TOPICS)))
"""Topics that a shadow reads or writes under their own names; all others it has for itself."""
_SHADOW_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class KafkaSettings(BaseSettings):
    """Where the log is and how to get in; read from `WATCHFLOOR_KAFKA_*`, frozen."""

    model_config = SettingsConfigDict(
        env_prefix="WATCHFLOOR_KAFKA_", env_ignore_empty=True, frozen=True, use_attribute_docstrings=True
    )

    bootstrap: str = "127.0.0.1:9092"
    """`host:port`, several separated by commas."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] = "PLAINTEXT"
    """How connections are protected and authenticated."""
    ca_file: Path | None = None
    """PEM file of the authorities that signed the brokers' certificates; the system's authorities when unset."""
    cert_file: Path | None = None
    """PEM file of the client certificate, for mutual TLS."""
    key_file: Path | None = None
    """PEM file of the client certificate's key."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How SASL proves the user."""
    sasl_user: str | None = None
    """The SASL user; required by the SASL protocols."""
    sasl_password_file: Path | None = None
    """File that holds the SASL password; required by the SASL protocols."""
    partitions: int = Field(default=4, ge=1, le=1024)
    """Partitions of every topic: the most workers that can share the load. Not changeable afterwards."""
    replication: int = Field(default=1, ge=1, le=7)
    """Copies of every partition; 3 in a cluster of three brokers or more."""
    topic_prefix: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,64}$")
    """Put before every topic name, so that several installations can share a cluster."""
    embedded: bool = False
    """True for the embedded broker, which has no transactions and whose end offsets are wrong."""
    _shadow: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (self.sasl_user and self.sasl_password_file):
            raise ValueError(f"{self.security_protocol} needs sasl_user and sasl_password_file")
        if self.key_file and not self.cert_file:
            raise ValueError("key_file needs cert_file")
        return self

    def wire_name(self, topic: Topic | str) -> str:
        """The name that a topic has on this cluster: the prefix and the topic's own name."""
        name = topic if isinstance(topic, str) else topic.name
        own = f"shadow.{self._shadow}." if self._shadow and name not in _SHARED else ""
        return f"{self.topic_prefix}{own}{name}"

    def shadowed(self, name: str) -> Self:
        """The same cluster as a shadow sees it: events and fitted baselines are everybody's, what follows is its own.

        Raises BadShadowName unless `name` is 1 to 32 lower-case letters, digits and dashes.
        """
        if not _SHADOW_NAME.fullmatch(name):
            raise BadShadowName(name)
        settings = self.model_copy()
        settings._shadow = name
        return settings

    def options(self) -> dict[str, Any]:
        """Keyword arguments for any aiokafka client. Reads the files named here; raises OSError when one is missing."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = create_ssl_context(
                cafile=self.ca_file, certfile=self.cert_file, keyfile=self.key_file
            )
        if self.sasl_password_file and self.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_user
            options["sasl_plain_password"] = self.sasl_password_file.read_text(encoding="utf-8").strip()
        return options
