"""The envelope around a raw provider body: who asked, when and where, which no provider repeats in its answer."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from events.event import EventId, Instant, KeyedHash, Label, Tenant
from events.filter_verdict import UnitInterval
from events.pseudonym import Kind, Pseudonymiser

RawIdentifier = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"\S")]


class Caller(BaseModel):
    """Who made a request, with raw identifiers: they are replaced at the edge and never stored."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    tenant: Tenant
    """The customer organisation; lower case. May be left out where the token is good for one tenant only."""
    user: RawIdentifier
    """The end user as the application knows them; pseudonymised on arrival."""
    session: RawIdentifier | None = None
    """The conversation or login session; pseudonymised on arrival."""
    api_key: RawIdentifier | None = None
    """The name or hash of the credential that the application called with; pseudonymised on arrival."""

    def pseudonyms(self, pseudonymiser: Pseudonymiser) -> dict[str, str]:
        """The fields `subject`, `session` and `api_key` of an event, as far as they are known."""
        named: dict[Kind, str | None] = {"subject": self.user, "session": self.session, "api_key": self.api_key}
        known = {kind: raw for kind, raw in named.items() if raw is not None}
        return {kind: pseudonymiser.pseudonym(self.tenant, kind, raw) for kind, raw in known.items()}


class EvaluatorScore(BaseModel):
    """One number that an evaluator gave to the answer."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    metric: Label
    """`groundedness` and `relevance` have categories of their own; any other name counts as quality."""
    value: UnitInterval
    """0 is worst, 1 is best."""
    evaluator: Label
    """Who scored, e.g. `ragas`."""
    version: Label | None = None
    """The evaluator's version; scores of different versions are never compared."""


class Envelope(Caller):
    """One item of a provider format: the provider's body and what the application knows about the request."""

    id: EventId
    """The request's id, unique within the tenant; sending it again changes nothing."""
    at: Instant
    """When the request was made."""
    model: Label | None = None
    """The model. Send it: bodies of blocked requests name none, and a rate needs both in one series."""
    deployment: Label | None = None
    """The application's own name for where the model runs."""
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")] | None = None
    """BCP 47 tag of the prompt."""
    release: Label | None = None
    """The application's release or cohort."""
    modality: Literal["text", "vision", "image", "audio"] = "text"
    """What the model works on."""
    http_status: Annotated[int, Field(ge=100, le=599)] | None = None
    """The provider's HTTP status."""
    latency_ms: Annotated[float, Field(ge=0, le=86_400_000, allow_inf_nan=False)] | None = None
    """Wall time of the request in milliseconds."""
    prompt_hash: KeyedHash | None = None
    """Keyed hash of the normalised prompt."""
    filter_version: Label | None = None
    """Version or name of the filter configuration."""
    scores: tuple[EvaluatorScore, ...] = Field(default=(), max_length=32)
    """What evaluators thought of the answer."""
    body: Any
    """The provider's response object, its error object, or the list of a stream's chunks, untouched."""
