"""What the documents promise about enforcement and incidents is what the code does."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from alert_facts import AT, new_file, series_signal

from alerts import errors
from alerts.decision import HeldReason
from alerts.enforcement import STANDINGS
from alerts.errors import CommandRefused
from alerts.incidents import apply_series_signal
from alerts.notify.notification import PATIENCE, Notification, due, watch
from alerts.notify.signature import sign
from policy.ladder import Ladder
from policy.policy import Webhook

DOCS = Path(__file__).parents[3] / "docs"
ENFORCEMENT = (DOCS / "enforcement.md").read_text()
INCIDENTS = (DOCS / "incidents.md").read_text()
REFUSALS = [kind.code for kind in vars(errors).values() if isinstance(kind, type) and CommandRefused in kind.__bases__]


@pytest.mark.parametrize("word", [*get_args(HeldReason), *STANDINGS])
def test_every_reason_and_standing_is_documented(word: str):
    assert f"`{word}`" in ENFORCEMENT


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_is_documented(code: str):
    assert f"`{code}`" in ENFORCEMENT + INCIDENTS


def test_default_ladder_is_the_documented_one():
    rows = re.findall(r"^\| \d \| (\w+) \| .+ \| (\w+)", ENFORCEMENT, re.MULTILINE)
    assert [(step.action, step.level) for step in Ladder().steps] == rows[: len(Ladder().steps)]


def test_documented_patience_is_the_codes():
    assert f"After {PATIENCE.attempts} attempts" in INCIDENTS


def sample(language: str) -> str:
    match = re.search(rf"```{language}\n(.*?)```", INCIDENTS, re.DOTALL)
    assert match is not None
    return match[1]


def test_documented_payload_has_exactly_the_fields_that_are_sent():
    incident = apply_series_signal(new_file(), series_signal(level="page")).incident
    assert incident is not None
    receiver = Webhook.model_validate({"name": "oncall", "url": "https://oncall.example", "secret_file": "secret"})
    sent = due(watch(None, incident, receiver=receiver, now=AT), now=AT)
    documented = Notification.model_validate_json(sample("json"))
    assert documented == sent
    assert re.findall(r'"(\w+)":', sample("json")) == re.findall(r'"(\w+)":', documented.model_dump_json())


def test_documented_check_accepts_our_signatures_and_no_others():
    namespace: dict[str, Any] = {}
    exec(sample("python"), namespace)
    header = sign(b"body", b"secret", at=AT)
    genuine, for_ever = namespace["genuine"], 10**12
    assert genuine(b"body", header, b"secret", for_ever)
    assert not genuine(b"other", header, b"secret", for_ever)
    assert not genuine(b"body", header, b"other", for_ever)
    assert not genuine(b"body", header, b"secret", -1)
    assert not genuine(b"body", "t=1", b"secret", for_ever)
