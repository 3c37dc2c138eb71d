"""The base of every part of a policy: frozen, closed to unknown fields, each field documented."""

from inspect import isclass
from typing import Annotated, get_args

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A part of the policy document. An unknown field is a spelling mistake, so it is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    @classmethod
    def section_of(cls, field: str) -> "type[Section] | None":
        """The section that a field holds, alone or in a list; None for an unknown field or a plain value."""
        info = cls.model_fields.get(field)
        return None if info is None else _section_in(info.annotation)


def _section_in(annotation: object) -> type[Section] | None:
    if isclass(annotation) and issubclass(annotation, Section):
        return annotation
    return next(filter(None, map(_section_in, get_args(annotation))), None)


Probability = Annotated[float, Field(gt=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Pattern = Annotated[str, Field(min_length=1, max_length=128)]
"""A shell pattern (`gpt-4*`): `*` any characters, `?` one; the case of letters does not matter."""
