"""Parameters of the filter-fault detector."""

from policy.section import Section


class FilterFaultPolicy(Section):
    """Filter versions whose block rate jumps for everyone; what they found is held."""

    enabled: bool = True
    """Run this detector."""
