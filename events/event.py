"""What every event has in common: identity, time, tenant and subject; it knows no particular kind of event."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("datetime_out_of_range", "beyond the calendar in UTC") from None


def _empty(values: tuple[object, ...]) -> bool:
    return not values


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment with its time zone, kept in UTC; RFC 3339 on the wire."""

EventId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/~-]{0,127}$")]
Tenant = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Pseudonym = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,8}\.[a-z2-7]{26}$")]
"""`<key id>.<26 base32 characters>`: the first 130 bits of an HMAC-SHA-256, never the raw identifier."""

Label = Annotated[str, StringConstraints(pattern=r"^[^|\x00-\x1f\x7f]{1,128}$")]
"""A short name from outside (model, release, …): at most 128 characters, no `|`, no control characters."""

KeyedHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16,64}$")]

Link = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,15}:[0-9a-f]{16,64}$")]
"""What several accounts may share: `<kind>:<keyed hash>`, e.g. of a payment method, a device or a network."""

Shingle = Annotated[int, Field(ge=0, le=2**32 - 1)]
"""A keyed 32-bit hash of a few consecutive words; it cannot be turned back into them."""


class Event(BaseModel):
    """One fact from outside. Frozen; unknown fields are ignored so that older readers accept newer writers."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    v: Literal[1] = 1
    """Version of this contract."""
    event_id: EventId
    """Unique within the tenant; the same id is the same event, however often it is sent."""
    at: Instant
    """When it happened (event time, UTC), as told by the source."""
    tenant: Tenant
    """The customer organisation; lower case."""
    subject: Pseudonym
    """The end user inside the tenant, pseudonymised before it reaches Kafka."""
    session: Pseudonym | None = None
    """The conversation or login session, pseudonymised."""
    api_key: Pseudonym | None = None
    """The credential that the application called with, pseudonymised."""
    source_format: Label = "canonical"
    """The wire format that this event was read from, e.g. `azure-openai-chat`."""


class ModelEvent(Event):
    """An event about one request to one model: the dimensions that rates are reported by."""

    request_id: EventId
    """The request it belongs to; shared by its log, verdicts and feedback."""
    provider: Label
    """Who served or judged the request, e.g. `azure.openai`."""
    model: Label
    """The model as the provider names it, e.g. `gpt-4.1-2025-04-14`."""
    deployment: Label | None = None
    """The application's own name for where the model runs."""
    modality: Literal["text", "vision", "image", "audio"] = "text"
    """What the model works on; guardrail tables differ by it."""
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")] | None = None
    """BCP 47 tag of the prompt, where the source knows it."""
    release: Label | None = None
    """The application's release or cohort, for phased roll-out comparison."""
    prompt_hash: KeyedHash | None = None
    """Keyed hash of the normalised prompt: tells a retry from a variation without the text."""
    prompt_shingles: Annotated[tuple[Shingle, ...], Field(max_length=256, exclude_if=_empty)] = ()
    """Keyed hashes of the prompt's shingles: tell a variation from another subject without the text."""
    links: Annotated[tuple[Link, ...], Field(max_length=8, exclude_if=_empty)] = ()
    """What other accounts may share with this one; which kinds count is policy."""


Count = Annotated[int, Field(ge=0, le=2**53)]
"""A count that survives JSON readers with 64-bit floats."""
