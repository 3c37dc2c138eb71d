"""The log sink: what goes on the log, under which key, and what happens when the log is away."""

from collections.abc import Sequence

import pytest
from alert_facts import SERIES, SUBJECT, TENANT, acknowledge, lift
from sql_facts import ALICE, feedback, request, verdict

from alerts.command import COMMAND
from api.errors import BrokerUnavailable
from api.sinks import LogSink
from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.errors import BrokerError, BrokerUnreachable, SendFailed
from events import FilterVerdict


class FakeProducer:
    """A log in memory, or one that fails."""

    def __init__(self, error: BrokerError | None = None) -> None:
        self.records: list[Outgoing] = []
        self._error = error

    async def send(self, records: Sequence[Outgoing]) -> None:
        if self._error:
            raise self._error
        self.records += records


async def test_events_go_to_their_topics_under_their_subject_in_order() -> None:
    producer = FakeProducer()
    events = [request("r1:log"), verdict("r1:prompt:hate"), feedback("r1:feedback")]
    await LogSink(producer).publish(events)
    assert [record.topic for record in producer.records] == ["request-logs", "filter-verdicts", "user-feedback"]
    assert {record.key for record in producer.records} == {f"contoso|{ALICE}".encode()}


async def test_an_event_reads_back_as_it_was_and_carries_no_nulls() -> None:
    producer = FakeProducer()
    event = verdict("r1:prompt:hate")
    await LogSink(producer).publish([event])
    value = producer.records[0].value or b""
    assert FilterVerdict.model_validate_json(value) == event
    assert b"null" not in value


async def test_a_value_is_the_canonical_json_of_its_event() -> None:
    producer = FakeProducer()
    events = [request("r1:log"), verdict("r1:prompt:hate", score=1e-7, severity=None), feedback("r1:feedback")]
    await LogSink(producer).publish(events)
    canonical = [event.model_dump_json(exclude_none=True).encode() for event in events]
    assert [record.value for record in producer.records] == canonical


async def test_commands_meet_the_one_writer_of_their_subject_or_series() -> None:
    producer = FakeProducer()
    asked = [lift("dec_1"), acknowledge("inc_1")]
    for command in asked:
        await LogSink(producer).submit(command)
    assert [record.key for record in producer.records] == [f"{TENANT}|{SUBJECT}".encode(), SERIES.encode()]
    assert [COMMAND.validate_json(record.value or b"") for record in producer.records] == asked
    assert {record.topic for record in producer.records} == {"commands"}


@pytest.mark.parametrize("error", [SendFailed("timeout"), BrokerUnreachable("localhost:9092")])
async def test_a_log_that_does_not_acknowledge_is_unavailable(error: BrokerError) -> None:
    sink = LogSink(FakeProducer(error))
    with pytest.raises(BrokerUnavailable):
        await sink.publish([request("r1:log")])
    with pytest.raises(BrokerUnavailable):
        await sink.submit(lift("dec_1"))


def test_the_bulk_producer_is_a_producer() -> None:
    assert LogSink(BulkProducer(KafkaSettings())) is not None
