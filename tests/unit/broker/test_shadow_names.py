"""Which topics a shadow shares with everybody, and which are its own."""

import pytest

from broker.connection import KafkaSettings
from broker.errors import BadShadowName
from events.topics import EVENT_TOPICS, LEDGER, SHADOW_LEDGER, TOPICS

LIVE = KafkaSettings(topic_prefix="eu-")
SHADOW = LIVE.shadowed("strict-2")
SHARED = {SHADOW_LEDGER.name, "baselines", *(topic.name for topic, _ in EVENT_TOPICS)}


def test_what_comes_from_outside_has_one_name_for_all() -> None:
    same = {topic.name for topic in TOPICS if LIVE.wire_name(topic) == SHADOW.wire_name(topic)}
    assert same == SHARED


def test_what_a_shadow_derives_has_names_of_its_own() -> None:
    assert SHADOW.wire_name(LEDGER) == SHADOW.wire_name("ledger") == "eu-shadow.strict-2.ledger"
    assert LIVE.wire_name(LEDGER) == "eu-ledger"


def test_shadows_differ_from_each_other_and_not_in_how_the_cluster_is_reached() -> None:
    other = LIVE.shadowed("lax")
    assert other.wire_name(LEDGER) != SHADOW.wire_name(LEDGER)
    assert other.options() == LIVE.options()
    assert other.model_dump() == LIVE.model_dump()


@pytest.mark.parametrize("name", ["", "-a", "A", "a.b", "a_b", "x" * 33, "a\n"])
def test_a_name_that_fits_into_no_topic_is_refused(name: str) -> None:
    with pytest.raises(BadShadowName):
        LIVE.shadowed(name)
