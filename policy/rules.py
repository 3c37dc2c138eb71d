"""Rules that people write themselves, in the vocabulary of Sigma's correlations; streams/detectors/rules runs them."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, model_validator

from policy.duration import Duration, at_least
from policy.ladder import Level
from policy.mode import Mode
from policy.rule_checks import findings_in
from policy.rule_fields import On
from policy.rule_filter import Filters, Where, refuse
from policy.section import Section

Type = Literal["event_count", "value_count", "value_sum", "ratio", "temporal", "temporal_ordered"]
RuleName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Number = Annotated[float, Field(ge=0, le=10**15)]

LONGEST_TIMESPAN = timedelta(days=30)


class Condition(Section):
    """What the number must reach; exactly one comparison."""

    gte: Number | None = None
    """At least this."""
    gt: Number | None = None
    """More than this."""
    eq: Number | None = None
    """Reaches exactly this, on its way up; counts only."""
    lte: Number | None = None
    """At most this; ratios only, since nothing can be said about events that have not come yet."""
    lt: Number | None = None
    """Less than this; ratios only."""

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        if len(self.given) != 1:
            raise ValueError("exactly one comparison is needed: gte, gt, eq, lte or lt")
        return self

    @property
    def given(self) -> dict[str, float]:
        """The comparison, by its name."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}

    @property
    def sign(self) -> str:
        """The name of the comparison."""
        return next(iter(self.given))

    @property
    def number(self) -> float:
        """What is compared with."""
        return next(iter(self.given.values()))


class RuleStep(Section):
    """One of the things that must come together in a temporal rule."""

    name: RuleName
    """The step's name."""
    where: Filters = Where()
    """Which events are this step, beyond the rule's own `where`."""


class Rule(Section):
    """One rule. Everything that cannot be judged exactly is refused when the policy is read."""

    name: RuleName
    """Its signals come from the detector `rule.<name>`; unique in the document."""
    title: Annotated[str, Field(min_length=1, max_length=100)]
    """What the team calls it."""
    why: Annotated[str, Field(min_length=10, max_length=300)]
    """One sentence that the affected person may read; the figures are added to it."""
    type: Type
    """What is computed over the window."""
    on: On
    """The events that it looks at."""
    where: Filters = Where()
    """Which of them count: field by field a value, a list, a comparison (`{gte: 2}`) or `{not: …}`; all must hold."""
    group_by: Annotated[
        tuple[str, ...], Field(validation_alias=AliasChoices("group_by", "group-by"), min_length=1, max_length=4)
    ] = ("subject",)
    """What is counted apart: `subject` or `session`, and further fields; tenant and subject always are."""
    timespan: Annotated[Duration, at_least(timedelta(seconds=1))]
    """Length of the sliding window in event time, at most 30d."""
    condition: Condition | None = None
    """What the number must reach; every type but the temporal ones needs it."""
    field: Annotated[str, Field(max_length=64)] | None = None
    """The field whose distinct values are counted, or whose numbers are summed."""
    of: Filters = Where()
    """For `ratio`: the events whose share among those of `where` is judged."""
    minimum: Annotated[int, Field(ge=2, le=1000)] = 20
    """For `ratio`: events that a window must hold before a share is judged."""
    steps: Annotated[tuple[RuleStep, ...], Field(max_length=8)] = ()
    """For the temporal types: what must come together, in this order for `temporal_ordered`."""
    level: Level = "review"
    """How sure a match makes one."""
    mode: Mode | None = None
    """Overrides the policy's mode for this rule."""
    enabled: bool = True
    """Run this rule."""

    @property
    def detector(self) -> str:
        """The name that its signals carry."""
        return f"rule.{self.name}"

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        if self.timespan > LONGEST_TIMESPAN:
            refuse([(("timespan",), "the longest window is 30d")])
        refuse(findings_in(self))
        return self
