"""What the repeat-offender detector reads of a filter verdict; neither the model nor the fast struct itself."""

from datetime import datetime
from typing import Protocol


class Verdict(Protocol):
    """What counts for or against a subject, as `events.FilterVerdict` has it; enumerations may be plain strings."""

    @property
    def event_id(self) -> str:
        """Unique within the tenant."""

    @property
    def request_id(self) -> str:
        """Shared by the verdicts of one request."""

    @property
    def tenant(self) -> str:
        """The customer organisation."""

    @property
    def subject(self) -> str:
        """The pseudonymised end user."""

    @property
    def session(self) -> str | None:
        """The pseudonymised session, where known."""

    @property
    def at(self) -> datetime:
        """Event time, aware."""

    @property
    def stage(self) -> str:
        """The part of the request that was looked at."""

    @property
    def category(self) -> str:
        """The canonical category."""

    @property
    def state(self) -> str:
        """What the filter concluded."""

    @property
    def severity(self) -> int | None:
        """0..3, where the provider gives one."""

    @property
    def prompt_hash(self) -> str | None:
        """Keyed hash of the prompt, where known."""

    @property
    def prompt_shingles(self) -> tuple[int, ...]:
        """Keyed 32-bit hashes of the prompt's shingles; empty where unknown."""

    @property
    def filter(self) -> str:
        """The filter's name."""

    @property
    def filter_version(self) -> str | None:
        """Its version or configuration, where known."""
