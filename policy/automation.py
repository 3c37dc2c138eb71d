"""Parameters of the automation detector."""

from policy.section import Section


class AutomationPolicy(Section):
    """Subjects and api keys that behave like a program rather than a person; routes attention, never blocks alone."""

    enabled: bool = True
    """Run this detector."""
