"""The Kafka topics, each with its key and its cleanup; the one place that names them."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from events.event import Event
from events.filter_verdict import FilterVerdict
from events.provider_notice import ProviderNotice
from events.request_log import RequestLog
from events.user_feedback import UserFeedback


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic. `keyed_by` says what makes two records meet in one partition.

    `state`: the partition is that of the lane, `everywhere`: every partition has a copy; in both the same key may occur
    in several partitions.
    """

    name: str
    keyed_by: Literal["subject", "series", "incident", "state", "everywhere", "none"]
    compacted: bool = False

    @property
    def key_per_partition(self) -> bool:
        """Whether a key is unique within a partition only."""
        return self.keyed_by in ("state", "everywhere")


REQUEST_LOGS = Topic("request-logs", "subject")
FILTER_VERDICTS = Topic("filter-verdicts", "subject")
USER_FEEDBACK = Topic("user-feedback", "subject")
PROVIDER_NOTICES = Topic("provider-notices", "subject")
SERIES_COUNTS = Topic("series-counts", "series")
SERIES_SCORES = Topic("series-scores", "series")
SIGNALS = Topic("signals", "subject")
COMMANDS = Topic("commands", "subject")
ENFORCEMENTS = Topic("enforcements", "subject", compacted=True)
APPEALS = Topic("appeals", "subject", compacted=True)
FILTER_HOLDS = Topic("filter-holds", "everywhere", compacted=True)
BASELINES = Topic("baselines", "everywhere", compacted=True)
INCIDENTS = Topic("incidents", "incident", compacted=True)
LEDGER = Topic("ledger", "none")
SHADOW_LEDGER = Topic("shadow-ledger", "none")
BOOKS = Topic("books", "state", compacted=True)
DEAD_LETTERS = Topic("dead-letters", "none")
OBSERVE_STATE = Topic("observe-state", "state", compacted=True)
DETECT_STATE = Topic("detect-state", "state", compacted=True)
DECIDE_STATE = Topic("decide-state", "state", compacted=True)
NOTIFY_STATE = Topic("notify-state", "state", compacted=True)

TOPICS = (
    REQUEST_LOGS,
    FILTER_VERDICTS,
    USER_FEEDBACK,
    PROVIDER_NOTICES,
    SERIES_COUNTS,
    SERIES_SCORES,
    SIGNALS,
    COMMANDS,
    ENFORCEMENTS,
    APPEALS,
    FILTER_HOLDS,
    BASELINES,
    INCIDENTS,
    LEDGER,
    SHADOW_LEDGER,
    BOOKS,
    DEAD_LETTERS,
    OBSERVE_STATE,
    DETECT_STATE,
    DECIDE_STATE,
    NOTIFY_STATE,
)

EVENT_TOPICS: tuple[tuple[Topic, type[Event]], ...] = (
    (REQUEST_LOGS, RequestLog),
    (FILTER_VERDICTS, FilterVerdict),
    (USER_FEEDBACK, UserFeedback),
    (PROVIDER_NOTICES, ProviderNotice),
)
"""The topics that come from outside, with the contract of their records."""

_TOPIC_OF_KIND: Final = MappingProxyType({kind: topic for topic, kind in EVENT_TOPICS})


def topic_of(event: Event) -> Topic:
    """The topic that an event belongs to."""
    return _TOPIC_OF_KIND[type(event)]
