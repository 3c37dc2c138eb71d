"""Record keys: how a subject or a series is written as a Kafka key, and read back."""

from collections.abc import Collection
from typing import NamedTuple, Self

EVERYTHING = "*"
"""A part of a series key that is summed over."""


class SubjectKey(NamedTuple):
    """`tenant|subject`: everything about one subject meets in one partition."""

    tenant: str
    subject: str

    def __str__(self) -> str:
        return f"{self.tenant}|{self.subject}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `tenant|subject` back. Raises ValueError for any other shape."""
        tenant, subject = text.split("|")
        return cls(tenant, subject)


class SeriesKey(NamedTuple):
    """`tenant|model|provider|provider_category|stage`: a stream of counts or scores. No part holds a `|`."""

    tenant: str
    model: str
    provider: str
    provider_category: str
    stage: str

    def __str__(self) -> str:
        return "|".join(self)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the five parts back. Raises ValueError for any other shape."""
        tenant, model, provider, provider_category, stage = text.split("|")
        return cls(tenant, model, provider, provider_category, stage)

    def summed_to(self, kept: Collection[str]) -> Self:
        """The aggregate that keeps the tenant and the named parts; every other part becomes `*`.

        >>> str(SeriesKey("contoso", "gpt-4o", "azure.openai", "hate", "prompt").summed_to({"provider_category"}))
        'contoso|*|*|hate|*'
        """
        parts = zip(self._fields[1:], self[1:], strict=True)
        return type(self)(self.tenant, *(value if name in kept else EVERYTHING for name, value in parts))

    @property
    def is_aggregate(self) -> bool:
        """Whether it sums over other series."""
        return EVERYTHING in self[1:]


class ScoreKey(NamedTuple):
    """`tenant|model|deployment|metric|evaluator|version`: scores of one evaluator and version only."""

    tenant: str
    model: str
    deployment: str
    metric: str
    evaluator: str
    version: str

    def __str__(self) -> str:
        return "|".join(self)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the six parts back. Raises ValueError for any other shape."""
        tenant, model, deployment, metric, evaluator, version = text.split("|")
        return cls(tenant, model, deployment, metric, evaluator, version)
