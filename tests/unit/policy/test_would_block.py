"""`would_block` answers as the guardrail tables say, cell by cell."""

from dataclasses import dataclass
from itertools import product

import pytest

from events import Category, FilterVerdict, Modality, Severity, Stage, State
from policy import Passes, WouldBlock, load_policy, would_block
from policy.guardrails import Guardrail, Guardrails, Threshold

TABLES = load_policy("azure-default").policy.guardrails

ALL = set(Modality)
HARMS = {Category.HATE, Category.VIOLENCE, Category.SEXUAL, Category.SELF_HARM}
ON_DETECTION = {
    (Category.PROMPT_ATTACK_DIRECT, Stage.PROMPT): ALL,
    (Category.PROTECTED_TEXT, Stage.COMPLETION): {Modality.TEXT, Modality.AUDIO},
    (Category.PROTECTED_CODE, Stage.COMPLETION): {Modality.TEXT, Modality.AUDIO},
    (Category.PERSON_IDENTIFICATION, Stage.PROMPT): {Modality.VISION},
    (Category.POLITICAL_DECEPTION, Stage.PROMPT): {Modality.IMAGE},
    (Category.PUBLIC_FIGURE, Stage.PROMPT): {Modality.IMAGE},
    (Category.PROTECTED_ART, Stage.PROMPT): {Modality.IMAGE},
    (Category.PROFANITY, Stage.PROMPT): {Modality.IMAGE},
}
FOUND = (State.DETECTED, State.BLOCKED, State.MASKED)


@dataclass(frozen=True)
class Case:
    """One cell of the tables."""

    category: Category
    stage: Stage
    modality: Modality
    state: State
    severity: Severity | None

    def expected(self) -> str:
        if self.state in {State.NOT_EVALUATED, State.FILTER_ERROR}:
            return str(self.state)
        if self.category in HARMS and self.stage in {Stage.PROMPT, Stage.COMPLETION}:
            unstated = Severity.MEDIUM if self.state in FOUND else Severity.SAFE
            return "severity" if (unstated if self.severity is None else self.severity) >= 2 else "below_threshold"
        if self.modality in ON_DETECTION.get((self.category, self.stage), set()):
            return "detection" if self.state in FOUND else "not_detected"
        marked = (Category.CONTENT_CREDENTIALS, Stage.COMPLETION, Modality.IMAGE)
        return "mark_only" if (self.category, self.stage, self.modality) == marked else "no_guardrail"


CASES = [Case(*cell) for cell in product(Category, Stage, Modality, State, (None, *Severity))]


def verdict(**fields: object) -> FilterVerdict:
    common = {
        "event_id": "e1", "at": "2030-01-01T00:00:00Z", "tenant": "contoso", "subject": "k1." + "a" * 26,
        "request_id": "r1", "provider": "azure.openai", "model": "gpt-4.1-2025-04-14",
        "filter": "azure-content-filter", "stage": "prompt", "category": "hate", "provider_category": "hate",
        "state": "clean",
    }  # fmt: skip
    return FilterVerdict.model_validate(common | fields)


def row(block: Threshold = "low", **fields: object) -> Guardrail:
    return Guardrail.model_validate({"category": "hate", "stages": ["prompt"], "block": block} | fields)


def answer(*rows: Guardrail, **fields: object) -> WouldBlock | Passes:
    return would_block(verdict(state="detected", severity=2, **fields), Guardrails(rows=rows))


@pytest.mark.parametrize("category", Category)
def test_every_cell_of_the_tables_is_judged_as_written(category: Category) -> None:
    base = verdict(category=category)
    for case in (case for case in CASES if case.category is category):
        judged = would_block(base.model_copy(update=vars(case)), TABLES)
        assert judged.reason == case.expected(), case
        assert isinstance(judged, WouldBlock) == (case.expected() in {"severity", "detection"}), case


def test_the_tables_have_a_row_for_each_category_that_the_reference_lists() -> None:
    listed = HARMS | {category for category, _ in ON_DETECTION} | {Category.CONTENT_CREDENTIALS}
    assert {guardrail.category for guardrail in TABLES.rows} == listed


@pytest.mark.parametrize("model", ["whisper", "whisper-1", "Whisper-Large-v3"])
@pytest.mark.parametrize("modality", Modality)
def test_speech_to_text_has_no_guardrails(model: str, modality: Modality) -> None:
    grave = verdict(model=model, modality=modality, state="blocked", severity=3)
    assert would_block(grave, TABLES) == Passes("exempt_model")


def test_a_model_that_only_mentions_an_exempt_name_is_not_exempt() -> None:
    assert would_block(verdict(model="not-whisper", state="blocked", severity=3), TABLES) == WouldBlock("severity", 0)


@pytest.mark.parametrize(("threshold", "least"), [("low", 1), ("medium", 2), ("high", 3)])
@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("state", ["clean", "detected", "blocked", "masked"])
def test_severity_decides_whatever_the_filter_did(threshold: Threshold, least: int, severity: int, state: str) -> None:
    judged = would_block(verdict(state=state, severity=severity), Guardrails(rows=(row(threshold),)))
    assert isinstance(judged, WouldBlock) == (severity >= least)


@pytest.mark.parametrize(("threshold", "blocks"), [("low", True), ("medium", True), ("high", False)])
def test_a_finding_without_severity_counts_as_medium(threshold: Threshold, *, blocks: bool) -> None:
    judged = would_block(verdict(state="detected"), Guardrails(rows=(row(threshold),)))
    assert isinstance(judged, WouldBlock) == blocks


@pytest.mark.parametrize(
    ("limits", "fields", "fits"),
    [
        ({"tenants": ["contoso"]}, {}, True),
        ({"tenants": ["cont*"]}, {}, True),
        ({"tenants": ["fabrikam"]}, {}, False),
        ({"models": ["gpt-4*"]}, {}, True),
        ({"models": ["GPT-4*"]}, {}, True),
        ({"models": ["gpt-4"]}, {}, False),
        ({"models": ["gpt-5*", "gpt-4.?-*"]}, {}, True),
        ({"deployments": ["prod-*"]}, {"deployment": "prod-eu"}, True),
        ({"deployments": ["prod-*"]}, {"deployment": "test-eu"}, False),
        ({"deployments": ["prod-*"]}, {}, False),
        ({"deployments": ["*"]}, {}, True),
        ({"modalities": ["image"]}, {}, False),
        ({"modalities": ["image"]}, {"modality": "image"}, True),
        ({"stages": ["completion"]}, {}, False),
        ({"category": "violence"}, {}, False),
    ],
)
def test_a_row_holds_only_where_its_limits_fit(
    limits: dict[str, object], fields: dict[str, object], *, fits: bool
) -> None:
    assert answer(row("low", **limits), **fields) == (WouldBlock("severity", 0) if fits else Passes("no_guardrail"))


def test_the_last_row_that_fits_decides() -> None:
    strict, lenient = row("low"), row("high", tenants=["contoso"])
    assert answer(strict, lenient) == Passes("below_threshold", 1)
    assert answer(lenient, strict) == WouldBlock("severity", 1)
    assert answer(strict, lenient, tenant="fabrikam") == WouldBlock("severity", 0)


def test_without_guardrails_nothing_would_be_blocked() -> None:
    assert answer() == Passes("no_guardrail")
