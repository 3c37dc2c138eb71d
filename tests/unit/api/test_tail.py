"""The tail: records of the log into views, feed and commander, whatever comes."""

import pytest
from alert_facts import SUBJECT, TENANT, series_signal, signal
from api_world import World
from hypothesis import given
from hypothesis import strategies as st

from api.feeds import TAILED

NAMES = [topic.name for topic in TAILED]
WORLD = World()


def test_every_record_of_the_worker_finds_its_view() -> None:
    world = World()
    decision = world.suspend()
    incident = world.spike()
    assert world.deps.views.enforcements.get(TENANT, SUBJECT) is not None
    assert world.deps.views.decisions.get(decision.id) == decision
    assert world.deps.views.incidents.get(incident) is not None
    assert {alert.kind for alert in world.deps.feed} == {"signal", "decision", "incident"}


def test_a_log_that_repeats_itself_changes_nothing() -> None:
    world = World()
    records: list[tuple[str, bytes | None, bytes | None]] = []
    world.writer.tail = Recorder(records)
    world.writer.hear(signal(level="block"))
    world.writer.hear(series_signal(2))
    for record in records * 3:
        world.tail.apply(*record)
    feed, view = world.deps.feed, world.deps.views.enforcements
    assert (len(feed), feed.hub.number, view.hub.number) == (4, 4, 1)


class Recorder:
    """Takes down what a tail would be given."""

    def __init__(self, records: list[tuple[str, bytes | None, bytes | None]]) -> None:
        self._records = records

    def apply(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        self._records.append((topic, key, value))


@given(st.sampled_from(NAMES), st.none() | st.binary(max_size=30), st.none() | st.binary(max_size=60))
def test_no_record_crashes_the_tail(topic: str, key: bytes | None, value: bytes | None) -> None:
    WORLD.tail.apply(topic, key, value)


@pytest.mark.parametrize("topic", NAMES)
async def test_an_unreadable_record_is_counted_and_left_out(topic: str) -> None:
    world = World()
    world.tail.apply(topic, b"contoso|x", b'{"id": "half')
    assert f'records_total{{status="unreadable",topic="{topic}"}} 1.0' in (await world.get("/metrics")).text
    assert len(world.deps.feed) == 0


def test_a_topic_that_is_not_tailed_is_a_mistake_of_the_shell() -> None:
    with pytest.raises(KeyError):
        World().tail.apply("request-logs", b"", b"")


def test_tombstones_remove_appeals_and_incidents() -> None:
    world = World()
    incident = world.spike()
    world.tail.apply("incidents", incident.encode(), None)
    world.tail.apply("appeals", b"contoso|app_1", None)
    assert world.deps.views.incidents.get(incident) is None
