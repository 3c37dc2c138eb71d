"""The format `canonical`: our own events over HTTP, with raw identifiers or with pseudonyms made by the same keys."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from events.errors import FormatError
from events.event import Event
from events.filter_verdict import FilterVerdict
from events.formats.envelope import Caller
from events.formats.format import EdgeContext, refuse_future, validated, with_tenant
from events.formats.node import Node
from events.provider_notice import ProviderNotice
from events.request_log import RequestLog
from events.user_feedback import UserFeedback

KINDS: Final[Mapping[str, type[Event]]] = MappingProxyType(
    {
        "request_log": RequestLog,
        "filter_verdict": FilterVerdict,
        "user_feedback": UserFeedback,
        "provider_notice": ProviderNotice,
    }
)


class Canonical:
    """One item is one event: `{"kind": "filter_verdict", …its fields}`.

    With `user` in place of `subject`, `user`, `session` and `api_key` are raw and pseudonymised here; without it
    they are pseudonyms already. A provider notice writes its own kind as `notice`.
    """

    name = "canonical"

    def parse(self, item: object, context: EdgeContext) -> tuple[Event, ...]:
        """Read one event. Raises FormatError."""
        fields = with_tenant(item, context)
        kind = Node(fields).get("kind")
        model = KINDS.get(kind.text() or "")
        if model is None:
            raise kind.refuse("missing" if kind.value is None else "unknown_kind")
        event = validated(model, _own_fields(fields) | _pseudonyms(fields, context))
        refuse_future(event.at, context)
        return (event,)


def _own_fields(fields: dict[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in fields.items() if key not in ("kind", "notice")}
    return own | {"kind": fields["notice"]} if "notice" in fields else own


def _pseudonyms(fields: dict[str, Any], context: EdgeContext) -> dict[str, str]:
    if "user" not in fields:
        return {}
    if "subject" in fields:
        raise FormatError("subject", "beside_user")
    return validated(Caller, fields).pseudonyms(context.pseudonymiser)
