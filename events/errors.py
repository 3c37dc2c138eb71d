"""What can go wrong with events; the errors carry places and kinds, never the values that were read."""

import re

from pydantic import ValidationError

UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


class EventError(Exception):
    """The root of this package.

    EventError
    ├── FormatError(path, reason)    an item from outside does not follow its wire format
    ├── UnknownFormatError(name)     no such wire format
    ├── InvalidRecord(path, reason)  a Kafka record does not follow the contract of its topic
    ├── KeysError(key_id, reason)    pseudonymisation keys are missing, weak or unreadable
    └── BucketError(minute)          a stored bucket of event hashes cannot be read back
    """


class _PlacedError(EventError):
    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path or 'item'}: {self.reason}"


class FormatError(_PlacedError):
    """`path` says where in the item (`body.choices[0].index`), `reason` what kind of error (`wrong_type`)."""


class InvalidRecord(_PlacedError):
    """`path` is the field of the record ("" for the record itself), `reason` the kind of error."""


class UnknownFormatError(EventError):
    """`name` is what was asked for, cut to safe characters."""

    def __init__(self, name: str) -> None:
        self.name = safe_name(name)
        super().__init__(self.name)


class KeysError(EventError):
    """`key_id` names the key ("" for the whole file), `reason` the kind of error; the secret is never shown."""

    def __init__(self, key_id: str, reason: str) -> None:
        self.key_id = safe_name(key_id)
        self.reason = reason
        super().__init__(self.key_id, reason)


class BucketError(EventError):
    """`minute` is the bucket whose stored bytes are not whole hashes."""

    def __init__(self, minute: int) -> None:
        super().__init__(minute)
        self.minute = minute


def safe_name(name: str) -> str:
    """A name from outside, fit for an error or a log: 64 characters, everything unusual replaced by `?`."""
    return UNSAFE.sub("?", name[:64])


def first_problem(error: ValidationError) -> tuple[str, str]:
    """Path and kind of the first thing that pydantic found, without any input value.

    Paths hold only field names and positions as long as the models ignore unknown fields, as all of ours do.
    """
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return path_of(problem["loc"]), problem["type"]


def path_of(place: tuple[int | str, ...]) -> str:
    """Write `("scores", 0, "value")` as `scores[0].value`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")
