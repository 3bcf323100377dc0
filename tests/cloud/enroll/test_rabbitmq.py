"""The rights at RabbitMQ: the same as Mosquitto's, asked for each topic of the attack list."""

import base64
import hashlib
import json
import re
from typing import Any

import pytest

from dev.conformance.edges import FORBIDDEN_READS, FORBIDDEN_WRITES
from enroll.broker.rabbitmq import RabbitMQ
from enroll.broker.rights import Password, Passwords, Rights
from tests.support.paths import ROOT

FILES = ROOT / "deploy" / "rabbitmq"
PASSWORDS = Passwords(Password.new(), Password.new(), Password.new())
RIGHTS = Rights(("porch", "attic"), ("cellar",), b"the list", PASSWORDS, renewed="attic")


def definitions() -> dict[str, list[dict[str, Any]]]:
    content: dict[str, list[dict[str, Any]]] = json.loads(RabbitMQ().files(RIGHTS)["rabbitmq.json"])
    return content


def may(user: str, kind: str, topic: str, *, of: str = "topic_permissions") -> bool:
    """Ask as RabbitMQ does, which translates a topic so."""
    (rule,) = [rule for rule in definitions()[of] if rule["user"] == user]
    key = topic.translate(str.maketrans("/.+", "./*")) if of == "topic_permissions" else topic
    return re.search(rule[kind].replace(r"\z", r"\Z"), key) is not None


@pytest.mark.parametrize("what", ["images", "visits", "status/door", "command/door"])
def test_an_edge_writes_its_own_topics(what: str) -> None:
    assert may("porch", "write", f"usbcam/porch/{what}")
    assert not may("attic", "write", f"usbcam/porch/{what}")


@pytest.mark.parametrize(
    "topic", [*FORBIDDEN_WRITES, "usbcam/porch/images\n", "usbcam.porch.images", "usbcam/porch.x/images"]
)
def test_an_edge_writes_nothing_else(topic: str) -> None:
    assert not may("porch", "write", topic)


def test_an_edge_reads_its_receipts() -> None:
    assert may("porch", "read", "usbcam/porch/receipts")


@pytest.mark.parametrize("topic", FORBIDDEN_READS)
def test_an_edge_reads_nothing_else(topic: str) -> None:
    assert not may("porch", "read", topic)


@pytest.mark.parametrize("queue", ["uploader", "porch2", "attic", "check-0a", "porch", "uploader-1", "porchqos1\n"])
def test_an_edge_has_its_own_queue_alone(queue: str) -> None:
    for kind in ("configure", "write", "read"):
        name = f"mqtt-subscription-{queue}qos1"
        assert may("porch", kind, name, of="permissions") == (queue == "porch")


def test_the_uploader_reads_images_and_writes_receipts_alone() -> None:
    assert may("Uploader", "read", "usbcam/+/images")
    assert may("Uploader", "write", "usbcam/porch/receipts")
    assert may("Uploader", "write", "usbcam/_/receipts")
    for topic in ("usbcam/porch/images", "usbcam/porch/command/door", "usbcam-bridge/state"):
        assert not may("Uploader", "write", topic)
    for topic in ("usbcam/#", "#", "usbcam/+/status/+"):
        assert not may("Uploader", "read", topic)


@pytest.mark.parametrize("topic", ["usbcam/+/receipts", "usbcam/+/status/+", "usbcam/+/visits"])
def test_the_gallery_reads_what_is_said(topic: str) -> None:
    assert may("Gallery", "read", topic)


@pytest.mark.parametrize(
    "topic", ["usbcam/+/images", "usbcam/porch/images", "usbcam/+/+", "usbcam/#", "#", "usbcam/+/command/+", "$SYS/#"]
)
def test_the_gallery_reads_no_image_and_nothing_else(topic: str) -> None:
    assert not may("Gallery", "read", topic)


@pytest.mark.parametrize("topic", ["usbcam/porch/receipts", "usbcam/porch/status/door", "usbcam/_/offenders/porch"])
def test_the_gallery_writes_nothing(topic: str) -> None:
    assert not may("Gallery", "write", topic)
    assert not may("Gallery", "write", "amq.topic", of="permissions")


@pytest.mark.parametrize("queue", ["uploader", "porch", "check-0a", "gallery-", "gallery-0a", "gallery-porch"])
def test_the_gallery_has_its_own_queues_alone(queue: str) -> None:
    for kind in ("configure", "write", "read"):
        name = f"mqtt-subscription-{queue}qos1"
        assert may("Gallery", kind, name, of="permissions") == (queue == "gallery-0a")


def test_edges_have_no_password_and_those_of_our_programs_are_salted_and_always_the_same() -> None:
    users = {user["name"]: user["password_hash"] for user in definitions()["users"]}

    for name, password in {"Uploader": PASSWORDS.uploader, "Gallery": PASSWORDS.gallery}.items():
        known = base64.b64decode(users.pop(name))
        assert known[4:] == hashlib.sha256(known[:4] + password.text.encode()).digest()
    assert users == {"porch": "", "attic": ""}
    assert RabbitMQ().files(RIGHTS) == RabbitMQ().files(RIGHTS)


def test_whoever_is_revoked_or_renewed_is_named_for_the_end_of_its_connections() -> None:
    files = RabbitMQ().files(RIGHTS)

    assert files["rabbitmq-ended"] == b"cellar\nattic\n"
    assert files["ada83cfc.r0"] == b"the list"  # openssl crl -hash of our authority's name


def test_the_shipped_policies_fit_the_queues_of_uploader_and_edges() -> None:
    policies = json.loads((FILES / "definitions.json").read_text(encoding="utf-8"))["policies"]

    def policy(queue: str) -> dict[str, Any]:
        fitting = [policy for policy in policies if re.search(policy["pattern"], queue)]
        definition: dict[str, Any] = max(fitting, key=lambda policy: policy["priority"])["definition"]
        return definition

    assert policy("mqtt-subscription-uploaderqos1")["overflow"] == "reject-publish"
    assert policy("mqtt-subscription-uploaderqos1")["delivery-limit"] == -1
    assert policy("mqtt-subscription-porchqos1")["overflow"] == "drop-head"


def test_the_shipped_configuration_takes_images_of_the_shipped_size() -> None:
    config = (FILES / "rabbitmq.conf").read_text(encoding="utf-8")

    size = re.search(r"^mqtt\.max_packet_size_authenticated = (\d+)$", config, re.MULTILINE)
    assert size is not None
    assert f"MAX_IMAGE_MB={int(size[1]) // 1048576}" in (ROOT / ".env.example").read_text(encoding="utf-8")
