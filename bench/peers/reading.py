"""A verdict as far as the task reads it, for those who decode with msgspec; the others decode in their own way."""

import msgspec


class Reading(msgspec.Struct, gc=False):
    """A `bench.peers.task.Verdict`."""

    at: str
    tenant: str
    subject: str
    model: str
    provider: str
    provider_category: str
    stage: str
    state: str
