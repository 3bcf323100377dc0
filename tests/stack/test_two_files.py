"""The two shipped Compose files on one machine, set up as the README says: copy .env.example, edit, up."""

import ipaddress
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.stack import free_port, s3_client
from tests.stack.bucket import assert_as_documented, wait_for_captures

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
KEYS = ("usbcam-test", "usbcam-test-secret")
BUCKET = "pictures"


@dataclass(frozen=True, slots=True)
class Host:
    """A machine with both halves; names of its own let the test run beside the real thing."""

    environment_file: Path
    name: str

    def compose(self, half: str, *arguments: str) -> None:
        command = ["docker", "compose", "--env-file", str(self.environment_file), "-p", f"{self.name}-{half}"]
        run(*command, "-f", f"docker-compose.{half}.yml", *arguments)


@pytest.fixture
def bridge() -> str:
    """Return this machine's address on Docker's own network: reachable from containers, not from outside."""
    subnet = run("docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}")
    return str(ipaddress.ip_network(subnet)[1])


@pytest.fixture
def endpoint(bridge: str) -> Iterator[str]:
    """Run an S3 server outside both Compose projects."""
    name = f"usbcam-test-store-{uuid.uuid4().hex[:8]}"
    settings = [f"STORE_BUCKET={BUCKET}", f"STORE_ACCESS_KEY={KEYS[0]}", f"STORE_SECRET_KEY={KEYS[1]}"]
    run("docker", "build", "--quiet", "--tag", name, "store")
    given = [word for setting in settings for word in ("--env", setting)]
    run("docker", "run", "--detach", "--rm", "--name", name, "--publish", f"{bridge}::8333", *given, name)
    yield "http://" + run("docker", "port", name, "8333")
    run("docker", "rm", "--force", "--volumes", name)
    run("docker", "rmi", name)


@pytest.fixture
def host(tmp_path: Path, bridge: str, endpoint: str) -> Iterator[Host]:
    """Give the host a .env, copied from the example and edited."""
    edited = {
        "CLOUD_HOST": "host.docker.internal",
        "CLOUD_BIND": bridge,
        "CLOUD_PORT": str(free_port()),
        "CAMERA_SOURCE": "demo",
        "S3_BUCKET": BUCKET,
        "S3_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": KEYS[0],
        "AWS_SECRET_ACCESS_KEY": KEYS[1],
    }
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name, value in edited.items():
        text, changed = re.subn(rf"^#?{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        assert changed == 1, name
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    host = Host(tmp_path / ".env", f"usbcam-test-{uuid.uuid4().hex[:8]}")
    yield host
    for half in ("edge", "cloud"):
        host.compose(half, "down", "--volumes", "--timeout", "5")


def test_both_files_on_one_machine_bring_captures_to_the_bucket(host: Host, endpoint: str) -> None:
    host.compose("cloud", "up", "--build", "--detach", "--wait")
    host.compose("edge", "up", "--build", "--detach", "--wait")

    captures = wait_for_captures(s3_client(endpoint, *KEYS), BUCKET, 3)

    for stored in captures:
        assert_as_documented(stored, edge="porch", camera="camera")


def run(*command: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
