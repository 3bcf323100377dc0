"""Who is enrolled, who is not, and what the broker is told; through the command alone."""

import base64
import gzip
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from common.contract import topics
from common.contract.certificate_expiry import CertificateExpiry
from common.runtime.files import SecretDir
from enroll import x509 as certificate
from enroll.authority import LOCAL_NAMES, RENEW_BEFORE, CertificateAuthority
from tests.cloud.enroll.conftest import DATES, GALLERY_PASSWORD, UPLOADER_PASSWORD, Enroll

NO_BROKER = "enroll: no broker is running; it applies this when it starts\n"


def unpack(line: str) -> str:
    assert re.fullmatch(r"EDGE_TOKEN=[A-Za-z0-9+/]+={0,2}\n", line)
    return gzip.decompress(base64.b64decode(line.removeprefix("EDGE_TOKEN="))).decode("ascii")


def certificate_in(line: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(unpack(line).split("[edge.crt]")[1].encode())


def hosts(enroll: Enroll) -> set[str]:
    return certificate.hosts_of(enroll.server()) - set(LOCAL_NAMES)


def test_a_token_is_one_line_that_holds_all_an_edge_needs(enroll: Enroll) -> None:
    enroll.settings |= {"CLOUD_PORT": "9999"}

    said = enroll("porch")

    text = unpack(said.out)
    assert (said.status, said.error) == (0, NO_BROKER)
    assert text.splitlines()[:4] == ["usbcam-edge 1", "name=porch", "host=cloud.example", "port=9999"]
    assert [line for line in text.splitlines() if line.startswith("[")] == ["[ca.crt]", "[edge.crt]", "[edge.key]"]


def test_an_edges_certificate_is_signed_by_the_authority_for_its_name_and_for_a_client_alone(enroll: Enroll) -> None:
    signed = certificate_in(enroll("porch").out)

    authority = x509.load_pem_x509_certificate(enroll.file("identity/ca.crt").read_bytes())
    signed.verify_directly_issued_by(authority)
    (name,) = signed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    usage = signed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    basic = signed.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (name.value, list(usage), basic.ca) == ("porch", [ExtendedKeyUsageOID.CLIENT_AUTH], False)
    assert signed.not_valid_before_utc.year == 1970  # an edge without a clock starts there


@pytest.mark.parametrize(
    "name",
    [
        "Porch",
        "-a",
        "a/b",
        "a b",
        "_",
        "_x",
        "ä",
        "a\n",
        "uploader",
        "uploader-1-7",
        *sorted(topics.RESERVED_EDGE_NAMES),
    ],
)
def test_a_name_that_cannot_be_one_is_refused_in_a_sentence(enroll: Enroll, name: str) -> None:
    said = enroll(f"{name}") if not name.startswith("-") else enroll("--", name)

    assert said.error.startswith(
        f"enroll: {name} cannot be a name; use a-z, 0-9 and -, not first, and not command, images, receipts,"
    )
    assert (said.status, said.out) == (2, "")


def test_a_long_name_is_refused_in_a_sentence(enroll: Enroll) -> None:
    assert enroll("a" * 64).error == "enroll: the name is 64 characters long; choose one of at most 63\n"
    assert enroll("a" * 63).status == 0


def test_a_name_is_enrolled_once_unless_asked_again(enroll: Enroll) -> None:
    first = certificate_in(enroll("porch").out)

    second = enroll("porch")
    third = enroll("porch", "--renew")

    assert (
        second.error
        == "enroll: porch is already enrolled; ./usbcam renew porch makes a new token and revokes the one it has\n"
    )
    assert (second.status, second.out) == (2, "")
    assert certificate_in(third.out).serial_number != first.serial_number
    assert enroll.revoked() == {first.serial_number}


def test_a_revoked_edge_has_no_rights_and_may_be_enrolled_anew(enroll: Enroll) -> None:
    serial = certificate_in(enroll("porch").out).serial_number
    enroll("attic")

    said = enroll("--revoke", "porch")

    assert said.status == 0
    assert said.out.startswith("enroll: porch is revoked: its connection and its session at the broker are ended, ")
    assert enroll.revoked() == {serial}
    assert users(enroll) == {"Enroll", "Uploader", "Gallery", "attic"}
    assert {"command": "deleteClient", "username": "porch"} in commands(enroll)
    assert enroll("porch").status == 0
    assert users(enroll) == {"Enroll", "Uploader", "Gallery", "attic", "porch"}
    assert {"command": "deleteClient", "username": "porch"} not in commands(enroll)


def test_who_is_not_enrolled_cannot_be_revoked(enroll: Enroll) -> None:
    said = enroll("--revoke", "porch")

    assert (said.status, said.error) == (2, "enroll: porch is not enrolled; ./usbcam edges shows who is\n")


def test_the_list_shows_who_is_in_and_until_when(enroll: Enroll) -> None:
    assert enroll("--list").out == "enroll: nobody is enrolled yet\n"
    for name in ("porch", "attic", "cellar"):
        enroll(name)
    enroll("--revoke", "cellar")

    rows = [line.split() for line in enroll("--list").out.splitlines()]

    today = f"{datetime.now(UTC):%Y-%m-%d}"
    end = f"{datetime.now(UTC) + timedelta(days=certificate.EDGE_DAYS):%Y-%m-%d}"
    assert rows == [
        ["NAME", "ENROLLED", "EXPIRES", "CONNECTED"],
        ["attic", today, end, "no"],
        ["porch", today, end, "no"],
    ]


def test_preparing_twice_changes_nothing(enroll: Enroll) -> None:
    enroll("--prepare")
    before = {path.name: path.read_bytes() for path in enroll.file("identity").iterdir()}

    said = enroll("--prepare")

    assert said.out == "enroll: edges reach the broker at cloud.example:8883\n"
    assert {path.name: path.read_bytes() for path in enroll.file("identity").iterdir()} == before


@pytest.mark.parametrize("host", ["ec2-1-2-3-4.compute.amazonaws.com", "10.1.2.3", "cloud"])
def test_the_brokers_certificate_is_for_the_host_and_more_names(enroll: Enroll, host: str) -> None:
    enroll.settings = {"CLOUD_HOST": host, "CLOUD_EXTRA_NAMES": "second.example, 10.9.9.9,fd00::7"}

    enroll("--prepare")

    assert hosts(enroll) == {host, "second.example", "10.9.9.9", "fd00::7"}


def test_the_brokers_certificate_follows_a_changed_host_and_edges_stay_enrolled(enroll: Enroll) -> None:
    enroll("porch")
    authority = enroll.file("identity/ca.crt").read_bytes()
    version = enroll.file("identity/version").read_text()

    enroll.settings = {"CLOUD_HOST": "10.0.0.8"}
    enroll("--prepare")

    assert hosts(enroll) == {"10.0.0.8"}
    assert enroll.file("identity/ca.crt").read_bytes() == authority
    assert users(enroll) == {"Enroll", "Uploader", "Gallery", "porch"}
    assert enroll.file("identity/version").read_text() != version


@pytest.mark.parametrize(
    ("left", "renewed"), [(RENEW_BEFORE - timedelta(days=1), True), (RENEW_BEFORE + timedelta(days=1), False)]
)
def test_the_brokers_certificate_is_renewed_before_it_expires(
    enroll: Enroll, monkeypatch: pytest.MonkeyPatch, left: timedelta, *, renewed: bool
) -> None:
    monkeypatch.setattr(certificate, "SERVER_DAYS", left.days + (0 if renewed else 1))
    authority = CertificateAuthority(SecretDir(enroll.file("authority")))
    enroll.file("identity/server.pem").write_bytes(authority.server_certificate(None, ["cloud.example"]))
    before = enroll.server().serial_number

    enroll("--prepare")

    assert (enroll.server().serial_number != before) is renewed


def test_a_lost_or_spoilt_certificate_of_the_broker_is_made_again(enroll: Enroll) -> None:
    enroll("--prepare")
    for content in (b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        enroll.file("identity/server.pem").write_bytes(content)
        assert enroll("--prepare").status == 0
        assert hosts(enroll) == {"cloud.example"}


def test_every_secret_is_readable_by_its_owner_alone(enroll: Enroll) -> None:
    enroll("porch")

    files = [path for place in ("authority", "identity") for path in enroll.file(place).iterdir()]

    assert len(files) > 8
    assert {oct(path.stat().st_mode & 0o077) for path in files} == {"0o0"}


def test_a_programs_password_is_handed_to_its_group_and_is_the_one_that_the_broker_knows(enroll: Enroll) -> None:
    enroll("--prepare")
    files = {"Uploader": enroll.file(UPLOADER_PASSWORD), "Gallery": enroll.file(GALLERY_PASSWORD)}
    before = {name: file.read_text(encoding="ascii") for name, file in files.items()}
    enroll("--prepare")

    clients = json.loads(enroll.file("identity/clients.json").read_text(encoding="utf-8"))["clients"]
    for name, file in files.items():
        known = next(client for client in clients if client["username"] == name)
        salt = base64.b64decode(known["salt"])
        hashed = hashlib.pbkdf2_hmac("sha512", before[name].encode(), salt, known["iterations"])
        assert file.stat().st_mode & 0o777 == 0o640
        assert base64.b64encode(hashed).decode() == known["password"]
        assert file.read_text(encoding="ascii") == before[name]
        assert len(before[name]) > 40
    assert before["Uploader"] != before["Gallery"]


def test_no_key_is_printed_or_kept_beyond_its_place(enroll: Enroll) -> None:
    said = enroll("porch")
    key = unpack(said.out).split("[edge.key]")[1].split("-----")[2].strip()

    found = [path for path in enroll.folder.rglob("*") if path.is_file() and key in path.read_text(errors="replace")]

    assert found == []
    assert enroll("--list").out.count("PRIVATE") == 0


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "CLOUD_HOST is not set; set it in .env to the name or address by which edges reach this host"),
        (
            {"CLOUD_HOST": "h:1"},
            "CLOUD_HOST=h:1 must be a DNS name or an IPv4 address, without port; change it in .env",
        ),
        (
            {"CLOUD_HOST": "1.2.3"},
            "CLOUD_HOST=1.2.3 must be a DNS name or an IP address, without port; change it in .env",
        ),
        ({"CLOUD_HOST": "h", "CLOUD_PORT": "x"}, "CLOUD_PORT=x must be a valid integer"),
        ({"CLOUD_HOST": "h", "CLOUD_EXTRA_NAMES": "a,b c"}, "CLOUD_EXTRA_NAMES=a,b c must be a DNS name or an IP"),
        (
            {"CLOUD_HOST": "h", "AUTHORITY_DIR": "/no"},
            "cannot use /no: No such file or directory; it must belong to uid",
        ),
    ],
)
def test_a_wrong_setting_is_one_sentence(enroll: Enroll, settings: dict[str, str], sentence: str) -> None:
    enroll.settings = settings

    said = enroll("porch")

    assert said.error.startswith(f"enroll: {sentence}")
    assert (said.error.count("\n"), said.status, said.out) == (1, 2, "")


@pytest.mark.parametrize("file", ["ca.pem", "registry.json", "password.json"])
def test_a_damaged_authority_is_one_sentence_and_stays_as_it_is(enroll: Enroll, file: str) -> None:
    enroll("porch")
    enroll.file(f"authority/{file}").write_text('{"a": ')

    said = enroll("attic")

    assert said.error.startswith(f"enroll: a file in {enroll.file('authority')} is damaged (")
    assert said.error.endswith("restore the folder from a backup\n")
    assert (said.error.count("\n"), said.status, said.out) == (1, 2, "")
    assert enroll.file(f"authority/{file}").read_text() == '{"a": '


@pytest.mark.parametrize("arguments", [(), ("a", "b"), ("--renew",), ("--list", "--renew"), ("--no",), ("a", "--list")])
def test_a_wrong_command_is_one_sentence(enroll: Enroll, arguments: tuple[str, ...]) -> None:
    said = enroll(*arguments)

    assert (said.status, said.out, said.error.count("\n")) == (2, "", 1)
    assert said.error.startswith("enroll: ")


def users(enroll: Enroll) -> set[str]:
    return {client["username"] for client in json.loads(enroll.file("identity/clients.json").read_text())["clients"]}


def commands(enroll: Enroll) -> list[dict[str, object]]:
    given: list[dict[str, object]] = json.loads(enroll.file("identity/changes.json").read_text())["commands"]
    return given


def test_the_uploader_may_read_when_certificates_end_and_nothing_else(enroll: Enroll) -> None:
    enroll("--prepare")
    enroll("porch")
    enroll("attic")
    enroll("--revoke", "attic")

    file = enroll.file(DATES)
    dates = CertificateExpiry.read(file)

    assert file.stat().st_mode & 0o777 == 0o644
    assert set(dates.edges) == {"porch"}
    assert dates.broker == enroll.server().not_valid_after_utc
    assert abs(dates.edges["porch"] - datetime.now(UTC) - timedelta(days=certificate.EDGE_DAYS)) < timedelta(hours=1)
    assert "PRIVATE" not in file.read_text(encoding="utf-8")
