import pytest
from chat_items import CONTEXT, answer, envelope

from events import ScoreKey, SeriesKey, SubjectKey
from events.formats import format_named
from events.topics import EVENT_TOPICS, TOPICS, topic_of


@pytest.mark.parametrize(
    "key",
    [
        SubjectKey("acme", "k1.abc"),
        SeriesKey("acme", "gpt-4.1", "azure.openai", "hate", "prompt"),
        ScoreKey("acme", "gpt-4.1", "chat", "groundedness", "judge", "3"),
    ],
)
def test_a_key_survives_being_written(key: SubjectKey | SeriesKey | ScoreKey) -> None:
    assert type(key).parse(str(key)) == key
    with pytest.raises(ValueError, match="unpack"):
        type(key).parse(str(key) + "|more")


def test_events_go_to_the_topic_of_their_kind() -> None:
    events = format_named("azure-openai-chat").parse(envelope(answer({"hate": {"filtered": True}})), CONTEXT)
    assert [topic_of(event).name for event in events] == ["request-logs", "filter-verdicts"]


def test_topics_have_names_of_their_own_and_events_are_kept_whole() -> None:
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)
    assert not any(topic.compacted for topic, _ in EVENT_TOPICS)
