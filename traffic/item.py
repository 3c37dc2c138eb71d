"""One request on the wire: the envelope around Azure's body, as a compact JSON line with its event time."""

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec


class Item(NamedTuple):
    """A rendered request: what `POST /v1/ingest/azure-openai-chat` takes, and when it happened."""

    at: datetime
    """Event time, UTC."""
    line: bytes
    """One JSON object without a line end; it opens with `at`."""


class Evaluation(msgspec.Struct, frozen=True, gc=False):
    """A score that an evaluator gave to the answer."""

    metric: str
    value: float
    evaluator: str
    version: str


class Envelope(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The envelope of format `azure-openai-chat`. `at` comes first, at a fixed width, so that it can be replaced."""

    at: str
    id: str
    tenant: str
    user: str
    session: str
    api_key: str
    model: str
    deployment: str
    language: str
    release: str
    modality: str
    http_status: int
    latency_ms: float
    prompt_hash: str
    filter_version: str
    body: msgspec.Raw
    scores: list[Evaluation] | None = None


_OPENING = b'{"at":"'
_WIDTH = len("2026-03-02T00:00:00.000Z")


def restamped(item: Item, at: datetime) -> Item:
    """The same request at another time.

    >>> item = Item(datetime(2026, 1, 1, tzinfo=UTC), b'{"at":"2026-01-01T00:00:00.000Z"}')
    >>> restamped(item, datetime(2026, 1, 2, tzinfo=UTC)).line
    b'{"at":"2026-01-02T00:00:00.000Z"}'
    """
    text = at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    return Item(at, _OPENING + text.encode() + item.line[len(_OPENING) + _WIDTH :])
