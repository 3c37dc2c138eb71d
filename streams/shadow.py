"""A shadow: a second worker with another policy, which reads the real events and touches nothing that is live."""

import asyncio
from functools import partial

from alerts.ledger import LedgerEntry
from alerts.shadow import ShadowEntry
from broker.bulk import Outgoing
from broker.connection import KafkaSettings
from broker.progress import PROGRESS_KEY
from events.topics import LEDGER, SHADOW_LEDGER
from policy import LoadedPolicy
from streams.app import Worker, create_app
from streams.decide import DecideLane
from streams.observe import ObserveLane
from streams.run import run_worker
from streams.settings import WorkerSettings


class ShadowDecideLane(DecideLane):
    """As the live lane, but what it enters goes to the shadows' ledger, under the shadow's name."""

    def __init__(self, partition: int, *, policy: LoadedPolicy, partitions: int, name: str) -> None:
        super().__init__(partition, policy=policy, partitions=partitions)
        self._name = name

    def emit(self, record: Outgoing) -> None:
        """Send with the next flush; an entry of the ledger is tagged and redirected."""
        if record.topic == LEDGER.name:
            entry = LedgerEntry.model_validate_json(record.value or b"")
            tagged = ShadowEntry(**dict(entry), shadow=self._name)
            record = record._replace(topic=SHADOW_LEDGER.name, value=tagged.model_dump_json().encode())
        super().emit(record)


class ShadowObserveLane(ObserveLane):
    """As the live lane, but it does not tell how far it has read: no archiver follows a shadow."""

    def emit(self, record: Outgoing) -> None:
        """Send with the next flush, but for reports of progress."""
        if record.key != PROGRESS_KEY:
            super().emit(record)


async def run_shadow(
    settings: WorkerSettings, kafka: KafkaSettings, *, policy: LoadedPolicy, name: str, stop: asyncio.Event
) -> None:
    """As `run_worker`, for a shadow of that name; `kafka` is `shadowed(name)` and its topics exist.

    The consumer group, and so the transactional ids, are the shadow's own. Raises what made it stop by itself.
    """
    group = settings.group or f"{kafka.topic_prefix}watchfloor-worker"
    settings = settings.model_copy(update={"group": f"{group}-shadow-{name}"})
    await run_worker(settings, kafka, policy=silenced(policy), stop=stop, create=partial(create_shadow, name=name))


def create_shadow(settings: WorkerSettings, kafka: KafkaSettings, policy: LoadedPolicy, *, name: str) -> Worker:
    """Wire one worker whose ledger is the shadows' ledger."""
    app = create_app(settings, kafka, policy)
    app.checkpoint.agents = {
        **app.checkpoint.agents,
        ObserveLane.agent: lambda part: ShadowObserveLane(part, policy=policy, partitions=kafka.partitions),
        DecideLane.agent: lambda part: ShadowDecideLane(part, policy=policy, partitions=kafka.partitions, name=name),
    }
    return app


def silenced(policy: LoadedPolicy) -> LoadedPolicy:
    """The policy without receivers, under its own version: the same conclusions, and nobody is notified."""
    return LoadedPolicy(policy.policy.model_copy(update={"receivers": ()}), policy.version, policy.source, policy.bases)
