"""A fixed input: simulated requests with offenders among them, as records for the log; the same in every run."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from broker.bulk import Outgoing
from events import Event, SubjectKey
from events.formats import EdgeContext
from events.formats.azure_openai_chat import AzureOpenAIChat
from events.pseudonym import Pseudonymiser
from events.topics import topic_of
from traffic.scenario import Scenario
from traffic.simulate import simulate

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
KEYS = {"k1": bytes(range(32))}


def events_of(scenario: Scenario) -> Iterator[Event]:
    """The canonical events of a simulation, in order."""
    context, wire_format = EdgeContext(Pseudonymiser(KEYS), now=scenario.end), AzureOpenAIChat()
    for item in simulate(scenario):
        yield from wire_format.parse(msgspec.json.decode(item.line), context)


def record_of(event: Event) -> Outgoing:
    """The record that the API would send."""
    key = str(SubjectKey(event.tenant, event.subject)).encode()
    return Outgoing(topic_of(event).name, key, event.model_dump_json(exclude_none=True).encode())


def in_order(events: Iterable[Event]) -> list[Outgoing]:
    """The events as records, by event time."""
    return [record_of(event) for event in sorted(events, key=lambda event: event.at)]


def slices(records: Sequence[Outgoing], count: int) -> list[Sequence[Outgoing]]:
    """The records in `count` parts of about the same size."""
    size = -(-len(records) // count)
    return [records[start : start + size] for start in range(0, len(records), size)]
