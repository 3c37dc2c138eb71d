"""Every pair of outcome and wire style with its body and its verdicts: the table that requests point into."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from events import Category, Stage, State
from traffic.azure_body import CODE_KEYS, COMPLETION_KEYS, PROMPT_KEYS, STYLES, Results, Sides, Style, results, template
from traffic.outcomes import OUTCOMES, Outcome

CANONICAL = {
    "hate": Category.HATE,
    "self_harm": Category.SELF_HARM,
    "sexual": Category.SEXUAL,
    "violence": Category.VIOLENCE,
    "jailbreak": Category.PROMPT_ATTACK_DIRECT,
    "protected_material_text": Category.PROTECTED_TEXT,
    "protected_material_code": Category.PROTECTED_CODE,
}


@dataclass(frozen=True, slots=True)
class Planted:
    """One verdict that a body carries, as it must arrive."""

    stage: Stage
    category: Category
    state: State


@dataclass(frozen=True, slots=True)
class Shape:
    """A body's template, the HTTP status it comes with, and the verdicts in it."""

    body: bytes
    status: int
    verdicts: tuple[Planted, ...]


OPAQUE_BLOCK = Planted(Stage.PROMPT, Category.PROVIDER_POLICY, State.BLOCKED)
"""A refusal that does not say why."""
OUTAGE = Planted(Stage.COMPLETION, Category.PROVIDER_POLICY, State.FILTER_ERROR)
"""The filter did not run on the answer."""
SCORED = Planted(Stage.COMPLETION, Category.UNGROUNDED, State.CLEAN)
"""A groundedness score: a measurement, not a block."""


class Shapes:
    """All shapes. A request's shape follows from its outcome, its style and whether its model is checked for code.

    >>> shapes = Shapes()
    >>> len({shape.body for shape in shapes.table}) > 50
    True
    """

    def __init__(self) -> None:
        self.table: list[Shape] = []
        """Requests refer to shapes by index."""
        self._index = np.full((2, len(OUTCOMES), len(STYLES)), -1)
        for code in (0, 1):
            for row, outcome in enumerate(OUTCOMES):
                for column, style in enumerate(STYLES):
                    if style.ending == outcome.ending:
                        self._index[code, row, column] = len(self.table)
                        self.table.append(_shape(outcome, style, CODE_KEYS if code else COMPLETION_KEYS))
        ending = np.array([[style.ending == outcome.ending for style in STYLES] for outcome in OUTCOMES])
        bounds = np.cumsum(ending * np.array([style.share for style in STYLES]), axis=1)
        self._bounds = bounds / bounds[:, -1:]

    def draw(self, outcome: NDArray[np.int64], code: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
        """An index into the table per request."""
        style = (self._bounds[outcome] <= rng.random(outcome.size)[:, None]).sum(axis=1)
        return np.asarray(self._index[code.astype(np.int64), outcome, style])


def _shape(outcome: Outcome, style: Style, completion_keys: tuple[str, ...]) -> Shape:
    full = Sides(results(outcome, "prompt", PROMPT_KEYS), results(outcome, "completion", completion_keys))
    sides = style.sides(full)
    verdicts = (*_verdicts(Stage.PROMPT, sides.prompt), *_verdicts(Stage.COMPLETION, sides.completion))
    unsaid = {"bare_refusal": (OPAQUE_BLOCK,), "filter_outage": (OUTAGE,)}.get(style.name, ())
    return Shape(template(style.body(sides, outcome)), outcome.status, (*verdicts, *unsaid))


def _verdicts(stage: Stage, said: Results | None) -> tuple[Planted, ...]:
    return tuple(
        Planted(stage, CANONICAL[key], _state(result)) for key, result in (said or {}).items() if key in CANONICAL
    )


def _state(result: dict[str, Any]) -> State:
    if result["filtered"]:
        return State.BLOCKED
    found = result.get("detected", False) or result.get("severity", "safe") != "safe"
    return State.DETECTED if found else State.CLEAN
