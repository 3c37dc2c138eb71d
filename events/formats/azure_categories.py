"""Reads Azure OpenAI's map of category results; where the map was found is the caller's business."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from events.formats.finding import Finding, gravity, item_id
from events.formats.node import Node
from events.taxonomy import Category, Stage, State

CATEGORIES: Final[Mapping[str, Category]] = MappingProxyType(
    {
        "hate": Category.HATE,
        "sexual": Category.SEXUAL,
        "violence": Category.VIOLENCE,
        "self_harm": Category.SELF_HARM,
        "profanity": Category.PROFANITY,
        "jailbreak": Category.PROMPT_ATTACK_DIRECT,
        "indirect_attack": Category.PROMPT_ATTACK_INDIRECT,
        "protected_material_text": Category.PROTECTED_TEXT,
        "protected_material_code": Category.PROTECTED_CODE,
        "custom_blocklists": Category.BLOCKLIST,
        "custom_topics": Category.CUSTOM_TOPIC,
        "ungrounded_material": Category.UNGROUNDED,
        "personally_identifiable_information": Category.PII,
        "task_adherence": Category.AGENT_MISALIGNMENT,
        "purview": Category.PROVIDER_POLICY,
    }
)
"""Azure's own names and what we call them."""

OPAQUE: Final = "content_filter"
"""The provider category of a block that names no category."""

SEVERITIES: Final[Mapping[str, int]] = MappingProxyType({"safe": 0, "very_low": 0, "low": 1, "medium": 2, "high": 3})
"""Azure's words on our scale; `very_low` is step 1 of Azure's 0..7, which its own four levels count as safe."""

DETAILS_LIMIT: Final = 256
_LISTED: Final = ("custom_blocklists", "custom_topics")
_ABOUT_THE_PROMPT: Final = ("jailbreak", "indirect_attack")
_LABELS: Final = MappingProxyType({name.replace("_", ""): name for name in CATEGORIES})
_PLAIN_STATES: Final = MappingProxyType(
    {
        (False, False): State.CLEAN,
        (False, True): State.DETECTED,
        (True, False): State.BLOCKED,
        (True, True): State.BLOCKED,
    }
)
_label: Final = re.compile(r"blocked by label\W+([A-Za-z_ -]{1,64})").search


def read_results(results: Node, stage: Stage, choice: int | None) -> Iterator[Finding]:
    """The findings of one map `category -> result`.

    A category that is missing or null was not evaluated, and gives no finding. Raises FormatError for an unknown one.
    """
    for key, value in results.members():
        name = key.replace("-", "_")
        category = CATEGORIES.get(name)
        plain = _plain(value)
        if category and plain:
            yield Finding(stage, choice, name, None, category, *plain)
        elif category:
            yield from _read_category(results.member(key), Finding(stage, choice, name, None, category, State.CLEAN))
        elif name == "error":
            yield from _read_filter_error(results.member(key), stage, choice)
        else:
            raise results.member(key).refuse("unknown_category")


def opaque_block(stage: Stage, choice: int | None) -> Finding:
    """A block whose category the provider does not tell."""
    return Finding(stage, choice, OPAQUE, None, Category.PROVIDER_POLICY, State.BLOCKED)


def _plain(result: object) -> tuple[State, int | None] | None:
    """State and severity of an ordinary result, `filtered` with `severity` or `detected`; None for any other."""
    if type(result) is not dict or len(result) != 2:
        return None
    filtered, word = result.get("filtered"), result.get("severity")
    severity = SEVERITIES.get(word) if type(word) is str else None
    found = result.get("detected") if severity is None else severity > 0
    if type(filtered) is not bool or type(found) is not bool:
        return None
    return _PLAIN_STATES[filtered, found], severity


def _read_category(result: Node, clean: Finding) -> Iterator[Finding]:
    listed = clean.provider_category in _LISTED
    details = result if isinstance(result.value, list) and listed else result.get("details")
    items = [_read_item(item, clean) for item in details.objects(DETAILS_LIMIT)] if listed else []
    yield from items
    whole = None if details is result else _read_result(result, clean)
    if whole and (not items or gravity(whole) > max(map(gravity, items))):
        yield whole


def _read_item(item: Node, clean: Finding) -> Finding:
    name = item.get("id").text()
    if not name:
        raise item.get("id").refuse("missing")
    found = _read_result(item, clean) or clean
    return found._replace(item=item_id(name))


def _read_result(result: Node, clean: Finding) -> Finding | None:
    filtered, detected = result.get("filtered").flag(), result.get("detected").flag()
    severity = _severity(result.get("severity"))
    if (filtered, detected, severity) == (None, None, None):
        return None
    if filtered:
        return clean._replace(state=State.BLOCKED, severity=severity)
    if clean.category is Category.PII and _redacted(result):
        return clean._replace(state=State.MASKED, severity=severity)
    found = detected or (severity or 0) > 0
    return clean._replace(state=State.DETECTED if found else State.CLEAN, severity=severity)


def _redacted(result: Node) -> bool:
    return any(part.get("redacted").flag() for part in result.get("sub_categories").objects(DETAILS_LIMIT))


def _severity(word: Node) -> int | None:
    text = word.text()
    if text is not None and text not in SEVERITIES:
        raise word.refuse("unknown_severity")
    return None if text is None else SEVERITIES[text]


def _read_filter_error(error: Node, stage: Stage, choice: int | None) -> Iterator[Finding]:
    if error.value is None:
        return
    label = _label(error.get("message").text() or "")
    if label is None:
        yield Finding(stage, choice, "error", None, Category.PROVIDER_POLICY, State.FILTER_ERROR)
        return
    name = _LABELS.get(re.sub("[^a-z]", "", label[1].lower()))
    if name is None:
        yield opaque_block(stage, choice)
    elif name in _ABOUT_THE_PROMPT:
        yield Finding(Stage.PROMPT, None, name, None, CATEGORIES[name], State.BLOCKED)
    else:
        yield Finding(stage, choice, name, None, CATEGORIES[name], State.BLOCKED)
