"""The input that fault tests compare by: simulated hours with many offenders, a planted spike and a planted drift."""

from datetime import timedelta

from loop.planted import drift, spike
from loop.traffic_input import START, events_of, in_order

from broker.bulk import Outgoing
from traffic.scenario import Scenario

_HOURS = 3


def fixed_input() -> list[Outgoing]:
    """The same records in every run, by event time."""
    scenario = Scenario(seed=7, start=START, users=200, hours=_HOURS, offender_share=0.05)
    spiking = spike(START, minutes=_HOURS * 60, spike_at=120, spike_minutes=8)
    drifting = drift(START, scores=_HOURS * 360, falls_at=540, every=timedelta(seconds=10))
    return in_order([*events_of(scenario), *spiking, *drifting])
