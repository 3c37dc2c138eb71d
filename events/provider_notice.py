"""What a model provider told us about its own enforcement against one of our users or organisations."""

from typing import Literal

from events.event import Event, EventId, Label


class ProviderNotice(Event):
    """A provider's own warning, block or alert: the signal that comes back."""

    provider: Label
    """Who sent the notice, e.g. `openai`."""
    kind: Literal["warning", "deactivation", "identifier_blocked", "alert"]
    """What the provider did or announced."""
    provider_category: Label | None = None
    """The provider's category, e.g. `bio`."""
    request_id: EventId | None = None
    """The request that triggered it, where named."""
    model: Label | None = None
    """The model concerned, where named."""
