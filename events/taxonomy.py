"""The canonical vocabulary of verdicts: categories, stages, states and scales; it maps no provider's own words."""

from enum import IntEnum, StrEnum


class Category(StrEnum):
    """What a filter looks for. Leaf categories; families exist for cross-provider dashboards only."""

    HATE = "hate"
    HARASSMENT = "harassment"
    SEXUAL = "sexual"
    SEXUAL_CRIME = "sexual_crime"
    SEXUAL_MINORS = "sexual_minors"
    VIOLENCE = "violence"
    SELF_HARM = "self_harm"
    ILLICIT = "illicit"
    WEAPONS_CBRNE = "weapons_cbrne"
    PROMPT_ATTACK_DIRECT = "prompt_attack_direct"
    PROMPT_ATTACK_INDIRECT = "prompt_attack_indirect"
    PROTECTED_TEXT = "protected_text"
    PROTECTED_CODE = "protected_code"
    PROTECTED_ART = "protected_art"
    PII = "pii"
    PERSON_IDENTIFICATION = "person_identification"
    POLITICAL_DECEPTION = "political_deception"
    PUBLIC_FIGURE = "public_figure"
    CONTENT_CREDENTIALS = "content_credentials"
    PROFANITY = "profanity"
    BLOCKLIST = "blocklist"
    CUSTOM_TOPIC = "custom_topic"
    UNGROUNDED = "ungrounded"
    IRRELEVANT = "irrelevant"
    QUALITY = "quality"
    SPECIALIZED_ADVICE = "specialized_advice"
    DEFAMATION = "defamation"
    ELECTIONS = "elections"
    CODE_ABUSE = "code_abuse"
    MALICIOUS_URI = "malicious_uri"
    MALWARE = "malware"
    AGENT_MISALIGNMENT = "agent_misalignment"
    BIO = "bio"
    CYBER = "cyber"
    PROVIDER_POLICY = "provider_policy"


class Stage(StrEnum):
    """Which part of a request the filter looked at."""

    PROMPT = "prompt"
    COMPLETION = "completion"
    DOCUMENT = "document"
    TOOL = "tool"
    UNKNOWN = "unknown"


class State(StrEnum):
    """What the filter concluded. An absent verdict means `not_evaluated`; it never means `clean`."""

    NOT_EVALUATED = "not_evaluated"
    CLEAN = "clean"
    DETECTED = "detected"
    BLOCKED = "blocked"
    MASKED = "masked"
    FILTER_ERROR = "filter_error"


class Severity(IntEnum):
    """How grave the content is, 0..3. Not a confidence: those are `score` with their `score_kind`."""

    SAFE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3


class ScoreKind(StrEnum):
    """What the number in `score` measures; series of different kinds are never mixed."""

    SEVERITY = "severity"
    CONFIDENCE = "confidence"
    PROBABILITY = "probability"
    PROPORTION_BAD = "proportion_bad"
    GROUNDED = "grounded_score"
    QUALITY = "quality_score"


class Modality(StrEnum):
    """What the model works on; guardrail tables differ by it."""

    TEXT = "text"
    VISION = "vision"
    IMAGE = "image"
    AUDIO = "audio"


FLAGGED_STATES = frozenset({State.DETECTED, State.BLOCKED, State.MASKED})
"""States in which a filter found something, whether or not it acted."""
