"""Parameters of all detectors; the methods are in streams/detectors, the sources in docs/detectors.md."""

from policy.automation import AutomationPolicy
from policy.category_spike import CategorySpikePolicy
from policy.filter_fault import FilterFaultPolicy
from policy.groundedness_drift import GroundednessDriftPolicy
from policy.repeat_offender import RepeatOffenderPolicy
from policy.section import Section
from policy.silence import SilencePolicy


class Detectors(Section):
    """Every detector's parameters."""

    repeat_offender: RepeatOffenderPolicy = RepeatOffenderPolicy()
    """Subjects who keep triggering blocks."""
    category_spike: CategorySpikePolicy = CategorySpikePolicy()
    """Categories that suddenly rise."""
    groundedness_drift: GroundednessDriftPolicy = GroundednessDriftPolicy()
    """Answers that drift away from their sources."""
    automation: AutomationPolicy = AutomationPolicy()
    """Programs that behave as people do not."""
    filter_fault: FilterFaultPolicy = FilterFaultPolicy()
    """Filters that suddenly block everybody."""
    silence: SilencePolicy = SilencePolicy()
    """Sources that stop."""
