"""Parameters of the silence detector."""

from policy.section import Section


class SilencePolicy(Section):
    """Sources, tenants and providers that stop, and rows that do not follow their events."""

    enabled: bool = True
    """Run this detector."""
