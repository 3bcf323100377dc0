"""The product in containers: skipped where no engine answers, unless REQUIRE_DOCKER=1."""

import ipaddress
import os
import uuid
from collections.abc import Iterator

import pytest

from dev.demo import containers as compose
from tests.e2e.machine import BUCKET, KEYS, run
from tests.support.programs.demo import running_demo


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    reason = compose.missing()
    if reason and os.environ.get("REQUIRE_DOCKER") == "1":
        pytest.fail(f"REQUIRE_DOCKER=1, but {reason}")
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def demo() -> Iterator[compose.Demo]:
    """Run the demo's Compose project under a name of its own."""
    with running_demo() as demo:
        yield demo


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
    run("docker", "build", "--quiet", "--tag", name, "dev/store")
    given = [word for setting in settings for word in ("--env", setting)]
    run("docker", "run", "--detach", "--rm", "--name", name, "--publish", f"{bridge}::8333", *given, name)
    yield "http://" + run("docker", "port", name, "8333")
    run("docker", "rm", "--force", "--volumes", name)
    run("docker", "rmi", name)
