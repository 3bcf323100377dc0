"""The two shipped Compose files on one machine, set up as docs/how-to/install.md says: copy .env.example, edit, up."""

import contextlib
import re
import socket
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.demo import health
from dev.harness.services import free_port, s3_client
from tests.e2e.bucket import assert_as_documented, wait_for_captures
from tests.e2e.machine import BUCKET, CALM, KEYS, quick_health, run
from tests.support.docker import wait_for_docker
from tests.support.paths import ROOT

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

START_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Host:
    """A machine with both halves; unique names let the test run next to a real installation."""

    environment_file: Path
    name: str

    def compose(self, half: str, *arguments: str) -> str:
        command = ["docker", "compose", "--env-file", str(self.environment_file), "-p", f"{self.name}-{half}"]
        quick = self.environment_file.with_name(f"{half}.json")
        quick.write_text(quick_health(half), encoding="ascii")
        return run(*command, "-f", f"docker-compose.{half}.yml", "-f", str(quick), *arguments)

    def up(self, half: str, *arguments: str) -> None:
        """Build and start, and wait until everything is healthy; health checks may time out on a busy machine."""

        def started() -> bool:
            try:
                self.compose(half, "up", "--build", "--detach", "--wait", *arguments)
            except AssertionError as error:
                if not health.is_only_slow(str(error), health.problems(self.compose(half, "ps", "-aq").split())):
                    raise
                return False
            return True

        wait_for_docker(started, seconds=START_SECONDS, what=f"a healthy {half}")

    def enroll(self, *arguments: str) -> str:
        return self.compose("cloud", "--progress", "quiet", "run", "--rm", "-T", "enroll", *arguments)

    def set(self, name: str, value: str) -> None:
        """Edit .env."""
        text = self.environment_file.read_text(encoding="utf-8")
        text, changed = re.subn(rf"^#?{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        assert changed == 1, name
        self.environment_file.write_text(text, encoding="utf-8")


@pytest.fixture
def host(tmp_path: Path, bridge: str, endpoint: str) -> Iterator[Host]:
    """Give the host a .env, copied from the example and edited."""
    edited = {
        "CLOUD_HOST": "host.docker.internal",
        "CLOUD_BIND": bridge,
        "CLOUD_PORT": str(free_port()),
        "CAMERA_SOURCE": "demo",
        **CALM,
        "LIVE_PORT": str(free_port()),
        "GALLERY_PORT": str(free_port()),
        "S3_BUCKET": BUCKET,
        "S3_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": KEYS[0],
        "AWS_SECRET_ACCESS_KEY": KEYS[1],
    }
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text(encoding="utf-8"), encoding="utf-8")
    host = Host(tmp_path / ".env", f"usbcam-test-{uuid.uuid4().hex[:8]}")
    for name, value in edited.items():
        host.set(name, value)
    yield host
    for half in ("edge", "cloud"):
        host.compose(half, "down", "--volumes", "--timeout", "5")


def test_both_files_on_one_machine_bring_captures_to_the_bucket(host: Host, endpoint: str) -> None:
    host.up("cloud")
    line = host.enroll("porch")
    host.set(*line.split("=", 1))
    host.up("edge")

    captures = wait_for_captures(s3_client(endpoint, *KEYS), BUCKET, 3)

    for stored in captures:
        assert_as_documented(stored, edge="porch", camera="camera")
    assert line.startswith("EDGE_TOKEN=")
    assert connected(host) == {"porch": "yes"}
    assert_only_tls_is_open(host)
    assert_the_pages_answer(host)
    assert_the_uploaders_commands_work(host, captures[0].key)

    assert host.enroll("--revoke", "porch") == (
        "enroll: porch is revoked: its connection and its session at the broker are ended, "
        "and the uploader drops unread what waits of its images"
    )
    host.enroll("attic")
    log = host.compose("cloud", "logs", "--no-color", "cloud-broker")
    assert "Client porch [" in log.replace("been disconnected", "[")
    assert connected(host) == {"attic": "no"}
    assert line.partition("=")[2][:100] not in log + host.compose("edge", "logs", "--no-color")


def test_an_edge_without_a_token_keeps_its_captures_and_says_how_to_get_one(host: Host) -> None:
    host.up("edge")

    camera = ["exec", "-T", "camera", "sh", "-c", "ls /spool | grep -c png || true"]
    wait_for_docker(lambda: int(host.compose("edge", *camera)) >= 2, seconds=60, what="captures in the spool")
    assert "edge-broker: no token yet, so captures wait on this machine; on the cloud host run" in host.compose(
        "edge", "logs", "--no-color", "edge-broker"
    )


def test_a_token_in_a_file_is_no_part_of_what_docker_tells(host: Host, tmp_path: Path) -> None:
    host.compose("cloud", "build", "enroll")
    token = tmp_path / "porch.token"
    token.write_text(host.enroll("porch"), encoding="ascii")
    token.chmod(0o644)
    host.set("EDGE_TOKEN_FILE", str(token))

    host.up("edge", "edge-broker")

    inspected = run("docker", "inspect", host.compose("edge", "ps", "--quiet", "edge-broker"))
    assert token.read_text(encoding="ascii").partition("=")[2][:40] not in inspected
    assert "no token yet" not in host.compose("edge", "logs", "--no-color", "edge-broker")


def connected(host: Host) -> dict[str, str]:
    rows = [line.split() for line in host.enroll("--list").splitlines()]
    return {row[0]: row[-1] for row in rows[1:]}


def assert_the_uploaders_commands_work(host: Host, key: str) -> None:
    """Look, share and count, as an operator does."""
    uploader = ("--progress", "quiet", "run", "--rm", "-T", "uploader")
    checked = host.compose("cloud", *uploader, "check")
    assert "FAIL" not in checked
    assert "uploader is connected and healthy" in checked
    assert "1 enrolled; the first to expire is porch" in checked
    link = host.compose("cloud", *uploader, "link", key, "--expires", "5m")
    with urllib.request.urlopen(link, timeout=10) as picture:  # noqa: S310 (a link to our own store)
        assert picture.read().startswith(b"\x89PNG")
    ask = "import urllib.request as r; print(r.urlopen('http://uploader:9102/metrics').read().decode())"
    counted = host.compose("cloud", "run", "--rm", "-T", "--no-deps", "--entrypoint", "python", "uploader", "-c", ask)
    assert "usbcam_uploader_subscribed 1.0" in counted
    assert 'usbcam_certificate_expiry_timestamp_seconds{subject="edge porch"}' in counted


def assert_only_tls_is_open(host: Host) -> None:
    """Look at what Docker published: pages for this machine, and one port, which a client without TLS does not pass."""
    published = {
        line.partition(" -> ")[2]
        for half in ("cloud", "edge")
        for container in host.compose(half, "ps", "--quiet").split()
        for line in run("docker", "port", container).splitlines()
    }
    pages = {address for address in published if address.startswith("127.0.0.1:")}
    assert len(pages) == 2
    (open_to_edges,) = published - pages
    address, number = open_to_edges.rsplit(":", 1)
    with socket.create_connection((address, int(number)), 10) as plain:
        plain.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00")
        with contextlib.suppress(ConnectionResetError):
            assert plain.recv(100)[:1] in {b"", b"\x15"}  # hung up, or an alert of TLS


def assert_the_pages_answer(host: Host) -> None:
    """Both ask for no password here: only this machine reaches them."""
    for half, service, words in (("edge", "camera", "usbcam"), ("cloud", "gallery", "usbcam")):
        address = run("docker", "port", host.compose(half, "ps", "--quiet", service)).partition(" -> ")[2]
        with urllib.request.urlopen(f"http://{address}/", timeout=10) as page:
            assert words in page.read().decode()
