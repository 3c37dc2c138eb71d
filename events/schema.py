"""JSON Schema of everything that may be sent in; generated from the models, so it cannot disagree with them."""

from typing import Any, Final

from pydantic import BaseModel

from events.filter_verdict import FilterVerdict
from events.formats.envelope import Envelope
from events.provider_notice import ProviderNotice
from events.request_log import RequestLog
from events.user_feedback import UserFeedback

CONTRACTS: Final[tuple[type[BaseModel], ...]] = (RequestLog, FilterVerdict, UserFeedback, ProviderNotice, Envelope)


def schemas() -> dict[str, dict[str, Any]]:
    """A JSON Schema (2020-12) per contract, by the name of its model."""
    return {model.__name__: _schema(model) for model in CONTRACTS}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
