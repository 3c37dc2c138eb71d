import ssl
from pathlib import Path

import pytest
from pydantic import ValidationError

from broker.connection import KafkaSettings
from events.topics import ENFORCEMENTS


def test_without_settings_it_is_a_local_broker_in_plain_text() -> None:
    assert KafkaSettings().options() == {"bootstrap_servers": "127.0.0.1:9092", "security_protocol": "PLAINTEXT"}


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHFLOOR_KAFKA_BOOTSTRAP", "a:1,b:2")
    monkeypatch.setenv("WATCHFLOOR_KAFKA_PARTITIONS", "12")
    settings = KafkaSettings()
    assert (settings.options()["bootstrap_servers"], settings.partitions) == ("a:1,b:2", 12)


def test_tls_checks_the_brokers_certificate_and_name() -> None:
    context = KafkaSettings(security_protocol="SSL").options()["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_the_sasl_password_is_read_from_its_file_and_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("correct horse\n")
    settings = KafkaSettings(security_protocol="SASL_SSL", sasl_user="worker", sasl_password_file=secret)
    options = settings.options()
    assert options["sasl_plain_password"] == "correct horse"
    assert (options["sasl_mechanism"], options["sasl_plain_username"]) == ("SCRAM-SHA-512", "worker")
    assert "ssl_context" in options
    assert "horse" not in repr(settings)


def test_plain_sasl_has_no_tls(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("p")
    settings = KafkaSettings(security_protocol="SASL_PLAINTEXT", sasl_user="worker", sasl_password_file=secret)
    assert "ssl_context" not in settings.options()


@pytest.mark.parametrize(
    "wrong",
    [
        {"security_protocol": "SASL_SSL"},
        {"security_protocol": "SASL_SSL", "sasl_user": "worker"},
        {"key_file": "/etc/key.pem"},
        {"partitions": 0},
        {"replication": 0},
        {"topic_prefix": "a b"},
        {"security_protocol": "TLS"},
    ],
)
def test_incomplete_or_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        KafkaSettings.model_validate(wrong)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        KafkaSettings().__setattr__("partitions", 8)


def test_a_password_file_that_is_missing_is_named(tmp_path: Path) -> None:
    settings = KafkaSettings(
        security_protocol="SASL_PLAINTEXT", sasl_user="worker", sasl_password_file=tmp_path / "absent"
    )
    with pytest.raises(FileNotFoundError, match="absent"):
        settings.options()


def test_a_prefix_goes_before_every_topic() -> None:
    settings = KafkaSettings(topic_prefix="staging.")
    assert settings.wire_name(ENFORCEMENTS) == settings.wire_name("enforcements") == "staging.enforcements"


def test_every_setting_is_explained() -> None:
    assert all(field.description for field in KafkaSettings.model_fields.values())
