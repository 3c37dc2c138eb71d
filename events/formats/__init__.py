"""How events arrive from outside: one module per wire format; nothing here stores or sends."""

from events.formats.envelope import Envelope
from events.formats.format import EdgeContext, Format
from events.formats.registry import FORMATS, format_named

__all__ = ["FORMATS", "EdgeContext", "Envelope", "Format", "format_named"]
