"""The settings' TLS and SASL against Apache Kafka: certificates on both sides, a password from a file, both refused."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apache_kafka import ApacheKafka

from broker.bulk import BulkProducer, Outgoing
from broker.connection import KafkaSettings
from broker.errors import BrokerUnreachable
from broker.topics import ensure_topics
from broker.view import read_all
from events.topics import SIGNALS

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, which makes the certificates, is missing"),
]

JAAS = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    'username="broker" password="b" user_broker="b" user_worker="correct horse";'
)


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def issue(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, signed by the folder's authority."""
    certificate, key, request, extra = (folder / f"{name}.{end}" for end in ("pem", "key", "csr", "ext"))
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
    extra.write_text("subjectAltName=IP:127.0.0.1\n")
    signer = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial")
    openssl("x509", "-req", "-in", request, *signer, "-days", "2", "-extfile", extra, "-out", certificate)
    return certificate, key


@pytest.fixture(scope="module")
def secured(
    apache_kafka: ApacheKafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[KafkaSettings, dict[str, Any]]]:
    """A broker that takes only clients with a certificate and a password, and what such a client sets."""
    folder = tmp_path_factory.mktemp("tls")
    authority = ("-subj", "/CN=authority", "-days", "2", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", *authority)
    server, server_key = issue(folder, "broker")
    client, client_key = issue(folder, "worker")
    (folder / "server-both.pem").write_text(server_key.read_text() + server.read_text())
    (folder / "password").write_text("correct horse\n")
    kafka = ApacheKafka(
        folder / "kafka",
        properties={
            "listener.security.protocol.map": "PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.name.plaintext.plain.sasl.jaas.config": JAAS,
            "listener.name.plaintext.ssl.client.auth": "required",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(folder / "server-both.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(folder / "ca.pem"),
        },
    )
    kafka.start()
    yield (
        kafka.settings,
        {
            "security_protocol": "SASL_SSL",
            "ca_file": folder / "ca.pem",
            "cert_file": client,
            "key_file": client_key,
            "sasl_mechanism": "PLAIN",
            "sasl_user": "worker",
            "sasl_password_file": folder / "password",
        },
    )
    kafka.stop()


async def test_certificates_and_password_let_a_client_create_send_and_read(
    secured: tuple[KafkaSettings, dict[str, Any]],
) -> None:
    plain, client = secured
    settings = KafkaSettings.model_validate(plain.model_dump() | client)
    await ensure_topics(settings, [SIGNALS])
    producer = BulkProducer(settings, "worker-0")
    await producer.start()
    await producer.send([Outgoing(SIGNALS.name, b"k", b"secret")])
    await producer.stop()
    successor = BulkProducer(settings, "worker-0")
    await successor.start()
    await successor.stop()
    assert [record.value async for record in read_all(settings, SIGNALS, range(4))] == [b"secret"]


@pytest.mark.parametrize(
    "without",
    [{"cert_file": None, "key_file": None}, {"ca_file": None}, {"sasl_user": "stranger"}],
    ids=["no client certificate", "an authority that is not ours", "an unknown user"],
)
async def test_a_client_that_lacks_one_part_is_kept_out(
    secured: tuple[KafkaSettings, dict[str, Any]], without: dict[str, Any]
) -> None:
    plain, client = secured
    with pytest.raises(BrokerUnreachable):
        await ensure_topics(KafkaSettings.model_validate(plain.model_dump() | client | without), [SIGNALS])
