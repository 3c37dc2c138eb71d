"""What can go wrong between a process and ClickHouse; nothing here knows HTTP or Kafka.

StoreError
├── StoreUnavailable   ClickHouse cannot be reached or refuses for now: try again later
├── QueryFailed        ClickHouse refused the statement; `code` and `name` are its own
├── EmbeddedMissing    the extra `embedded` is not installed
├── SchemaDiffers      the tables are older or newer than the code
├── BadMigration       a migration file cannot be read
├── UnknownQuery       there is no named query of that name
├── BadParameter       a named query got a parameter that it does not have, or a value that does not fit
├── QueryRefused       a read-only query asked for something that nobody may, with the reason
├── NotArchived        a topic has no place in ClickHouse
├── Fenced             another archiver writes this partition
├── BatchShort         a batch that was noted is given again without its end: give it whole
└── BatchTorn          part of a batch is in ClickHouse, part is not: only a manual repair helps
"""


class StoreError(Exception):
    """Root of everything that this package raises on purpose."""


class StoreUnavailable(StoreError):
    """ClickHouse cannot be reached or refuses for now; nothing is lost by trying the same again."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"ClickHouse is not available: {reason}")
        self.reason = reason


class QueryFailed(StoreError):
    """ClickHouse refused the statement. `code` is its number (0: unknown), `name` its symbol."""

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(f"ClickHouse error {code} ({name}): {message}")
        self.code, self.name, self.message = code, name, message


class EmbeddedMissing(StoreError):
    """The extra `embedded` is not installed."""

    def __init__(self) -> None:
        super().__init__("the embedded ClickHouse is not installed: pip install 'watchfloor[embedded]'")


class SchemaDiffers(StoreError):
    """The tables are at another version than the code."""

    def __init__(self, *, found: int, expected: int) -> None:
        super().__init__(f"the tables are at version {found}, the code needs {expected}: run `watchfloor migrate up`")
        self.found, self.expected = found, expected


class BadMigration(StoreError):
    """A migration folder or file cannot be read."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"migration {name}: {reason}")
        self.name, self.reason = name, reason


class UnknownQuery(StoreError):
    """There is no named query of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no query is named {name!r}")
        self.name = name


class BadParameter(StoreError):
    """A named query has no such parameter, or the value does not fit its type."""

    def __init__(self, query: str, parameter: str, reason: str) -> None:
        super().__init__(f"query {query}: parameter {parameter!r} {reason}")
        self.query, self.parameter, self.reason = query, parameter, reason


class QueryRefused(StoreError):
    """A read-only query asked for something that nobody, or not this token, may have."""

    code = 497
    """What ClickHouse clients know as ACCESS_DENIED."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotArchived(StoreError):
    """A topic has no place in ClickHouse."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic} is not archived")
        self.topic = topic


class Fenced(StoreError):
    """Another archiver has written this partition since this one was assigned it."""

    def __init__(self, topic: str, partition: int) -> None:
        super().__init__(f"another archiver writes {topic} partition {partition}")
        self.topic, self.partition = topic, partition


class BatchShort(StoreError):
    """A batch that was noted and may have been counted is given again without its end, offset `last`."""

    def __init__(self, topic: str, partition: int, *, last: int) -> None:
        super().__init__(f"{topic} partition {partition}: the noted batch goes on to offset {last}")
        self.topic, self.partition, self.last = topic, partition, last


class BatchTorn(StoreError):
    """ClickHouse holds some rows of a batch and not the others."""

    def __init__(self, topic: str, partition: int, *, expected: int, found: int) -> None:
        super().__init__(f"{topic} partition {partition}: {found} of the {expected} rows of the last batch are stored")
        self.topic, self.partition, self.expected, self.found = topic, partition, expected, found
