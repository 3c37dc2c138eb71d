"""An entry of the ledger that a shadow policy would have made; nobody is told of it, and nothing follows from it."""

from typing import Annotated

from pydantic import Field

from alerts.ledger import LedgerEntry


class ShadowEntry(LedgerEntry):
    """As `LedgerEntry`, with the shadow's name; the id is that of the entry and so unique within a shadow only."""

    shadow: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    """The shadow that concluded it."""
