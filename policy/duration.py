"""Durations as people write them in a policy: `90s`, `10m`, `24h`, `7d`; weeks and months are ambiguous and refused."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"^(\d{1,6})(s|m|h|d)$")


def parse(text: object) -> object:
    """Turn `10m` into a timedelta; leave everything else to pydantic's own message."""
    match = _DURATION.match(text) if isinstance(text, str) else None
    if match is None:
        if isinstance(text, timedelta):
            return text
        raise ValueError("a duration is a whole number and a unit: 90s, 10m, 24h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def spell(duration: timedelta) -> str:
    """The shortest exact spelling: 86,400 seconds are `1d`."""
    seconds = int(duration.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse),
    PlainSerializer(spell, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _DURATION.pattern}),
]
"""A non-negative length of time, written `10m` in YAML and JSON."""
