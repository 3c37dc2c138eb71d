"""The wire formats that there are, by name."""

from typing import Final

from events.errors import UnknownFormatError
from events.formats.azure_openai_chat import AzureOpenAIChat
from events.formats.canonical import Canonical
from events.formats.format import Format

FORMATS: Final[tuple[Format, ...]] = (Canonical(), AzureOpenAIChat())


def format_named(name: str) -> Format:
    """The format called `name`. Raises UnknownFormatError."""
    for known in FORMATS:
        if known.name == name:
            return known
    raise UnknownFormatError(name)
