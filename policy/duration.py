"""Durations as people write them in a policy: `90s`, `10m`, `24h`, `7d`; weeks and months are ambiguous and refused."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_DURATION = re.compile(r"([0-9]{1,13})(ms|s|m|h|d)")
_MILLISECOND = timedelta(milliseconds=1)
LONGEST = timedelta(days=36_500)


def parse(value: object) -> timedelta:
    """Turn `10m` into a timedelta, and check one that is given as such.

    Raises ValueError for any other shape, a negative or fractional number of milliseconds, or more than 36500d.

    >>> parse("10m")
    datetime.timedelta(seconds=600)
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        milliseconds, rest = int(match[1]) * _UNITS[match[2]], timedelta()
    elif isinstance(value, timedelta):
        milliseconds, rest = divmod(value, _MILLISECOND)
    else:
        raise ValueError("a duration is a whole number and a unit: 90s, 10m, 24h or 7d")
    if rest or not 0 <= milliseconds <= LONGEST // _MILLISECOND:
        raise ValueError("a duration is between 0s and 36500d, in whole milliseconds")
    return timedelta(milliseconds=milliseconds)


def spell(duration: timedelta) -> str:
    """The shortest exact spelling.

    >>> spell(timedelta(seconds=86_400))
    '1d'
    """
    milliseconds = duration // _MILLISECOND
    fits = (f"{milliseconds // size}{unit}" for unit, size in _UNITS.items() if milliseconds % size == 0)
    return next(fits) if milliseconds else "0s"


def at_least(shortest: timedelta) -> AfterValidator:
    """Annotates a duration that must not be shorter."""

    def check(duration: timedelta) -> timedelta:
        if duration < shortest:
            raise ValueError(f"the shortest duration here is {spell(shortest)}")
        return duration

    return AfterValidator(check)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse),
    PlainSerializer(spell, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$"}),
]
"""A length of time, zero or more, written `10m` in YAML and JSON."""

PositiveDuration = Annotated[Duration, at_least(_MILLISECOND)]
"""A length of time above zero."""
