"""Record keys: how a subject or a series is written as a Kafka key, and read back."""

from typing import NamedTuple, Self


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
