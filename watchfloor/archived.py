"""Events read back from ClickHouse through the API, in the order in which they lay in the log; it filters nothing."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import msgspec

from events import SubjectKey
from events.topics import EVENT_TOPICS, Topic
from watchfloor.client import Client

PAGE = 20_000
_PAGE = """
SELECT *, toUnixTimestamp64Milli(at) AS at_ms FROM raw_table
WHERE ({condition}) AND partition = {{partition:UInt16}} AND (epoch, offset) > ({{epoch:UInt32}}, {{offset:Int64}})
ORDER BY epoch, offset LIMIT {{page:UInt32}}
"""
_PARTITIONS = "SELECT DISTINCT partition FROM raw_table WHERE {condition} ORDER BY partition"
_COLUMNS = {topic.name: [name for name in model.model_fields if name != "v"] for topic, model in EVENT_TOPICS}
_EMPTY: tuple[object, ...] = (None, "", [])


class Archived(NamedTuple):
    """One stored event."""

    at_ms: int
    """Event time, milliseconds since 1970; finer parts are not stored."""
    epoch: int
    offset: int
    key: bytes
    value: bytes
    """Canonical JSON, as it was on the log."""


def table_of(topic: Topic) -> str:
    """The raw table of an event topic."""
    return topic.name.replace("-", "_")


async def partitions_with(client: Client, topic: Topic, condition: str, parameters: Mapping[str, str]) -> list[int]:
    """Partitions that hold matching rows of an event topic."""
    query = _PARTITIONS.format(condition=condition).replace("raw_table", table_of(topic))
    rows = await client.sql(query, _params(parameters))
    return [int(row["partition"]) for row in rows]


async def pages(
    client: Client, topic: Topic, partition: int, *, condition: str, parameters: Mapping[str, str]
) -> AsyncIterator[list[Archived]]:
    """Matching events of one partition, page by page, in the order of the log. Raises Refused."""
    query = _PAGE.format(condition=condition).replace("raw_table", table_of(topic))
    epoch, offset = 0, -1
    while True:
        own = {"partition": partition, "epoch": epoch, "offset": offset, "page": PAGE}
        rows = await client.sql(query, _params({**parameters, **{name: str(value) for name, value in own.items()}}))
        if rows:
            page = [archived(topic, row) for row in rows]
            yield page
            epoch, offset = page[-1].epoch, page[-1].offset
        if len(rows) < PAGE:
            return


def archived(topic: Topic, row: Mapping[str, Any]) -> Archived:
    """The event that a row holds: what was left out of it is left out again."""
    fields = {name: row[name] for name in _COLUMNS[topic.name] if row[name] not in _EMPTY}
    fields["at"] = str(fields["at"]).replace(" ", "T") + "Z"
    key = str(SubjectKey(row["tenant"], row["subject"])).encode()
    return Archived(int(row["at_ms"]), int(row["epoch"]), int(row["offset"]), key, msgspec.json.encode(fields))


def _params(parameters: Mapping[str, str]) -> dict[str, str]:
    return {f"param_{name}": value for name, value in parameters.items()}
