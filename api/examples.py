"""The examples of the OpenAPI document, one world: a tenant, a subject, what was decided, appealed and lifted."""

from typing import Any

Json = dict[str, Any]

TENANT = "contoso"
SUBJECT = "k1.mfrggzdfmztwq2lknnwg23tpoa"
DECISION_ID = "dec_5d0c1f7be2a94c6d8e3f1a2b4c"
APPEAL_ID = "app_0a4b8c1d2e3f405162738495a6"
INCIDENT_ID = "inc_9f8e7d6c5b4a39281706f5e4d3"
COMMAND_ID = "cmd_1b2c3d4e5f60718293a4b5c6d7"
SIGNAL_ID = "sig_aa11bb22cc33dd44ee55ff6677"
AT = "2026-03-02T10:15:00Z"
UNTIL = "2026-03-09T10:15:00Z"
MESSAGE = "Your use is suspended for a week because many of your requests were blocked by our content policy."
WORDS = "12 of 40 requests were blocked in a week; fewer than 1 in 50 is usual."
SERIES = f"{TENANT}|gpt-4.1|azure.openai|hate|prompt"
CURSOR = "WyIyMDI2LTAzLTAyVDEwOjE1OjAwWiIsInNpZ19hYTExIl0="

STANDING: Json = {
    "tenant": TENANT,
    "subject": SUBJECT,
    "standing": "suspended",
    "until": UNTIL,
    "message": MESSAGE,
    "decisions": [DECISION_ID],
    "revision": 3,
    "fail_mode": "open",
    "as_of": "2026-03-02T10:16:00Z",
}
BATCH_IN: Json = {
    "subjects": [
        {"tenant": TENANT, "subject": SUBJECT},
        {"tenant": TENANT, "user": "jane@example.com"},
        {"tenant": TENANT, "session": "chat-7"},
        {"tenant": TENANT, "api_key": "checkout-production"},
    ]
}
_ALLOWED: Json = {"standing": "allowed", "until": None, "message": None, "decisions": [], "revision": 0}
_PSEUDONYMS = ("k1.njqw4zjanfzsa43vmnuca3tpoa", "k1.onsxg43jn5xcay3imf2c2nztoa", "k1.mnugky3ln52xiidqojxwi5ldoa")
BATCH: Json = {"items": [STANDING, *(STANDING | _ALLOWED | {"subject": one} for one in _PSEUDONYMS)]}
_REJECTED: Json = {
    "code": "invalid",
    "message": "A field is missing or does not fit.",
    "field": "user",
    "detail": {"reason": "missing"},
}
ACCEPTED: Json = {"accepted": 1, "rejected": 0, "items": [{"index": 0, "status": "accepted"}]}
INGEST: Json = {
    "accepted": 1,
    "rejected": 1,
    "items": [{"index": 0, "status": "accepted"}, {"index": 1, "status": "rejected", "error": _REJECTED}],
}
ENVELOPE: Json = {
    "id": "req-0001",
    "at": AT,
    "tenant": TENANT,
    "user": "jane@example.com",
    "body": {"error": {"code": "content_filter", "message": "…"}},
}
STATISTIC: Json = {"name": "P(block rate > 0.02)", "value": 0.9997, "threshold": 0.999}
NUMBERS: Json = {"count": 12, "requests": 40, "share": 0.3, "gravity": 2.5, "intent": 0.6}
DECISION: Json = {
    "decision": {
        "id": DECISION_ID,
        "signal_id": SIGNAL_ID,
        "tenant": TENANT,
        "subject": SUBJECT,
        "measure": "suspend",
        "step": 2,
        "at": AT,
        "until": UNTIL,
        "decider": "watchfloor",
        "detector": "repeat_offender",
        "categories": ["hate"],
        "evidence": ["req-0001:prompt:hate"],
        "statistic": STATISTIC,
        "numbers": NUMBERS,
        "policy_version": "azure-default@4f1c",
        "message": MESSAGE,
        "words": WORDS,
        "inverse": "lift_5d0c1f7be2a94c6d8e3f1a2b4c",
    },
    "status": "appealed",
    "plain_words": f"The subject is suspended from 2026-03-02 10:15 UTC until 2026-03-09 10:15 UTC.\nWhy: {WORDS}",
    "appeal": {"id": APPEAL_ID, "state": "open"},
    "lift": None,
}
APPEAL: Json = {
    "id": APPEAL_ID,
    "tenant": TENANT,
    "subject": SUBJECT,
    "decision_id": DECISION_ID,
    "decider": "watchfloor",
    "state": "open",
    "statement": "These were quotes from a history book.",
    "opened_at": AT,
    "due_at": UNTIL,
}
APPEAL_IN: Json = {
    "tenant": TENANT,
    "user": "jane@example.com",
    "decision_id": DECISION_ID,
    "statement": "These were quotes from a history book.",
}
CLAIMED: Json = APPEAL | {"state": "claimed", "reviewer": "ana", "claimed_at": AT}
DECIDED: Json = CLAIMED | {"state": "overturned", "decided_at": AT, "reason": "The context is educational."}
VERDICT_IN: Json = {"outcome": "overturned", "reason": "The context is educational."}
LIFT_IN: Json = {"reason": "The filter was misconfigured that day."}
LIFT: Json = {
    "id": "lift_5d0c1f7be2a94c6d8e3f1a2b4c",
    "decision_id": DECISION_ID,
    "at": AT,
    "actor": "ana",
    "reason": "The filter was misconfigured that day.",
}
INCIDENT: Json = {
    "id": INCIDENT_ID,
    "tenant": TENANT,
    "series": SERIES,
    "detector": "category_spike",
    "level": "page",
    "state": "open",
    "title": "Category spike: gpt-4.1 · azure.openai · hate · prompt",
    "categories": ["hate"],
    "signals": [SIGNAL_ID],
    "opened_at": AT,
    "updated_at": AT,
    "timeline": [{"at": AT, "what": "opened", "actor": "watchfloor", "words": "31 blocks in 5 minutes, 4 expected."}],
    "revision": 1,
}
ACKNOWLEDGED: Json = INCIDENT | {"state": "acknowledged", "acknowledged_at": AT, "owner": "ana", "revision": 2}
RESOLVED: Json = ACKNOWLEDGED | {"state": "resolved", "resolved_at": AT, "revision": 3}
NOTE_IN: Json = {"note": "A school's history lesson; nothing to do."}
ALERT: Json = {
    "id": SIGNAL_ID,
    "kind": "signal",
    "tenant": TENANT,
    "at": AT,
    "key": f"{TENANT}|{SUBJECT}",
    "about": SIGNAL_ID,
    "detector": "repeat_offender",
    "level": "block",
    "act": "signal",
    "actor": "watchfloor",
    "words": WORDS,
    "record": {"id": SIGNAL_ID, "statistic": STATISTIC},
}
PENDING: Json = {"command_id": COMMAND_ID, "status": "pending"}
COMMAND: Json = {
    "command_id": COMMAND_ID,
    "status": "done",
    "entry": {"kind": "appeal_claimed", "words": "ana took the appeal."},
}
QUERY: Json = {
    "name": "blocked_rate",
    "question": "How many requests were blocked?",
    "parameters": {"since": "DateTime"},
}
ROWS: Json = {"name": "blocked_rate", "rows": [{"requests": 40, "blocked": 12, "rate": 0.3}]}
STATUS: Json = {
    "ingested": 1000,
    "subjects": {"allowed": 10, "suspended": 2},
    "appeals": {"open": 1},
    "incidents": {"open": 1},
    "alerts": {"signal": 14, "decision": 3},
    "streams": 1,
    "as_of": AT,
}


def page(item: Json) -> Json:
    """A page of one."""
    return {"items": [item], "next": CURSOR}


def events(*frames: tuple[str, Json]) -> str:
    """A stream, shortened."""
    return "".join(
        f"event: {name}\ndata: {str(data)[:60]}…\nid: 1f2e3d4c.{number}\n\n"
        for number, (name, data) in enumerate(frames, 1)
    )
