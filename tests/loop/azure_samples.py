"""What the published sample bodies say, read by a person: stage, provider's category, category, state, severity."""

Finding = tuple[str, str, str, str, int | None]


def _harms(stage: str, **severities: int) -> set[Finding]:
    """The four harm categories of a stage, clean and safe unless another severity is given: then found, not blocked."""
    found = {name: severities.get(name, 0) for name in ("hate", "self_harm", "sexual", "violence")}
    return {(stage, name, name, "detected" if severity else "clean", severity) for name, severity in found.items()}


SAMPLES: dict[str, set[Finding]] = {
    "annotated_200.json": _harms("prompt")
    | _harms("completion", violence=1)
    | {
        ("prompt", "jailbreak", "prompt_attack_direct", "clean", None),
        ("prompt", "indirect_attack", "prompt_attack_indirect", "clean", None),
        ("prompt", "profanity", "profanity", "clean", None),
        ("prompt", "custom_blocklists", "blocklist", "clean", None),
        ("completion", "profanity", "profanity", "clean", None),
        ("completion", "protected_material_text", "protected_text", "clean", None),
        ("completion", "protected_material_code", "protected_code", "detected", None),
        ("completion", "custom_blocklists", "blocklist", "clean", None),
        ("completion", "custom_topics", "custom_topic", "clean", None),
        ("completion", "personally_identifiable_information", "pii", "masked", None),
        ("completion", "ungrounded_material", "ungrounded", "detected", None),
    },
    "error_400_content_filter.json": {
        ("prompt", "hate", "hate", "clean", 0),
        ("prompt", "self_harm", "self_harm", "clean", 0),
        ("prompt", "sexual", "sexual", "clean", 0),
        ("prompt", "violence", "violence", "blocked", 2),
        ("prompt", "jailbreak", "prompt_attack_direct", "blocked", None),
    },
    "stream_async_filter_chunks.json": _harms("prompt")
    | _harms("completion")
    | {
        ("prompt", "jailbreak", "prompt_attack_direct", "clean", None),
        ("completion", "protected_material_text", "protected_text", "blocked", None),
    },
}
