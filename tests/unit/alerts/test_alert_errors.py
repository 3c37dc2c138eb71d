"""Every error has a code of its own, fields, and a sentence for people."""

import inspect
import re
from pathlib import Path

import pytest
from alert_facts import AT

from alerts import errors
from alerts.errors import AlertsError, AppealWindowClosed, SecretRefused

LEAVES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, AlertsError) and not kind.__subclasses__()
]


def test_codes_are_unique_and_spell_the_name():
    for kind in LEAVES:
        assert kind.code == re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.code)
def test_error_stands_in_the_tree_of_the_module(kind: type[AlertsError]):
    assert f"── {kind.__name__} " in (errors.__doc__ or "")


def test_sentence_and_fields_come_from_the_same_facts():
    error = AppealWindowClosed("dec_1", AT)
    assert str(error) == "decision dec_1 could be appealed until 2026-03-01 12:00 UTC"
    assert error.fields() == {"decision_id": "dec_1", "closed_at": "2026-03-01 12:00:00+00:00"}


def test_errors_can_be_raised_and_kept_in_sets():
    error = SecretRefused(Path("secret"), "short")
    with pytest.raises(SecretRefused, match="refused: short"):
        raise error
    assert error in {error}
