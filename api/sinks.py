"""Puts events and commands on the log and waits for the acknowledgement; the API's ports over the bulk producer."""

from collections.abc import Sequence
from typing import Protocol

from pydantic_core import to_json

from alerts.command import Command, command_key
from api.errors import BrokerUnavailable
from broker.bulk import Outgoing
from broker.errors import BrokerError
from events import Event, SubjectKey
from events.topics import COMMANDS, topic_of


class Producer(Protocol):
    """What is needed of a started broker.bulk.BulkProducer."""

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Return when all are acknowledged. Raises BrokerError."""


class LogSink:
    """Both ports, EventSink and CommandSink, over one started producer."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def publish(self, events: Sequence[Event]) -> None:
        """Events under `tenant|subject`, each to its topic, in order. Raises BrokerUnavailable."""
        await self._send([_of_event(event) for event in events])

    async def submit(self, command: Command) -> None:
        """A command under the key of its one writer. Raises BrokerUnavailable."""
        key = command_key(command).encode()
        await self._send([Outgoing(COMMANDS.name, key, command.model_dump_json().encode())])

    async def _send(self, records: Sequence[Outgoing]) -> None:
        try:
            await self._producer.send(records)
        except BrokerError as error:
            raise BrokerUnavailable from error


def _of_event(event: Event) -> Outgoing:
    key = str(SubjectKey(event.tenant, event.subject)).encode()
    return Outgoing(topic_of(event).name, key, to_json(event, exclude_none=True))
