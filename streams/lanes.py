"""Which agents there are, what they read and how their lanes are made; the worker and the rehearsal share it."""

from collections.abc import Callable

from events.topics import (
    BASELINES,
    COMMANDS,
    EVENT_TOPICS,
    FILTER_HOLDS,
    INCIDENTS,
    SERIES_COUNTS,
    SERIES_SCORES,
    SIGNALS,
    Topic,
)
from policy import LoadedPolicy
from streams.decide import DecideLane
from streams.detect import DetectLane
from streams.lane import Lane
from streams.notify import NotifyLane
from streams.observe import ObserveLane

INPUTS: tuple[tuple[str, tuple[Topic, ...]], ...] = (
    (ObserveLane.agent, (*(topic for topic, _ in EVENT_TOPICS), BASELINES)),
    (DetectLane.agent, (SERIES_COUNTS, SERIES_SCORES)),
    (DecideLane.agent, (SIGNALS, COMMANDS, FILTER_HOLDS)),
    (NotifyLane.agent, (INCIDENTS,)),
)
"""Which agent reads which topics. All topics have the same partitions, so a lane is an agent and a partition."""


def lane_factories(policy: LoadedPolicy, *, partitions: int) -> dict[str, Callable[[int], Lane]]:
    """Agent → a new lane for one of the `partitions`."""
    return {
        ObserveLane.agent: lambda part: ObserveLane(part, policy=policy, partitions=partitions),
        DetectLane.agent: lambda part: DetectLane(part, policy=policy, partitions=partitions),
        DecideLane.agent: lambda part: DecideLane(part, policy=policy, partitions=partitions),
        NotifyLane.agent: lambda part: NotifyLane(part, policy=policy),
    }
