"""The base of everything Watchfloor itself writes to Kafka, and the ids that are functions of content."""

import hashlib
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A fact of our own making: frozen, versioned, open to fields of later versions."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True, ser_json_inf_nan="strings")

    v: Literal[1] = 1
    """Version of this contract."""

    def replace(self, **changes: object) -> Self:
        """A copy with some fields replaced; the new values are not validated."""
        return self.model_copy(update=changes)


def content_id(prefix: str, *parts: str) -> str:
    """`<prefix>_<26 hex>`: the same parts give the same id, so emitting twice is emitting once.

    >>> content_id("sig", "contoso|k1.x", "e1") == content_id("sig", "contoso|k1.x", "e1")
    True
    """
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=13)
    return f"{prefix}_{digest.hexdigest()}"
