"""The uploader in its container, with the memory that Compose gives it, under the largest and costliest images."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import yaml

from dev.harness.process import wait_for
from tests.cloud.conftest import broker, bucket, edge, s3_proxy, uploaders
from tests.cloud.rig import Broker, Bucket, Edge, S3Proxy, Uploaders
from tests.reality.asked import ASKED
from tests.support.attacks.flood import Flood
from tests.support.images import pictures
from tests.support.images.hostile_images import COSTLY, jpeg
from tests.support.paths import ROOT

__all__ = ["broker", "bucket", "edge", "s3_proxy", "uploaders"]

pytestmark = [*ASKED, pytest.mark.docker]

PADDING_BYTES = 16_700_000
MESSAGES = 16
SECONDS = 120.0


class Container:
    """One uploader."""

    def __init__(self, name: str, settings: dict[str, str]) -> None:
        self.name = name
        service = yaml.safe_load((ROOT / "docker-compose.cloud.yml").read_text())["services"]["uploader"]
        limits = ("--memory", service["mem_limit"], "--memory-swap", service["mem_limit"], "--read-only")
        given = [f"--env={key}={value}" for key, value in settings.items()]
        run("docker", "build", "--quiet", "--tag", name, "--file", "cloud/Dockerfile", ".")
        command = ("--entrypoint", "python", name, "-m", "uploader")
        own = ("--env=JOURNAL_DIR=/journal", "--env=METRICS_PORT=0")
        shared = ("--network", "host", "--tmpfs", "/tmp:size=16m", "--tmpfs", "/journal:mode=0777", *own)
        run("docker", "run", "--detach", "--name", name, *limits, *shared, *given, *command)

    @property
    def state(self) -> str:
        return run("docker", "inspect", "--format", "{{.State.Status}} {{.State.OOMKilled}}", self.name)

    @property
    def peak_bytes(self) -> int:
        files = "/sys/fs/cgroup/memory.peak /sys/fs/cgroup/memory/memory.max_usage_in_bytes"  # version 2, version 1
        return int(run("docker", "exec", self.name, "sh", "-c", f"cat {files} 2>/dev/null || true"))

    def is_healthy(self) -> bool:
        with suppress(AssertionError):
            return bool(run("docker", "exec", self.name, "python", "-m", "uploader.health_check"))
        return False

    def remove(self) -> None:
        run("docker", "rm", "--force", self.name)
        run("docker", "rmi", self.name)


@pytest.fixture
def container(uploaders: Uploaders, tmp_path: Path) -> Iterator[Container]:
    running = Container(f"usbcam-test-{tmp_path.name[-30:].strip('_').lower()}", uploaders.settings)
    wait_for(running.is_healthy, seconds=SECONDS, what="the container")
    yield running
    running.remove()


def test_the_uploader_stays_inside_its_memory(
    container: Container, broker: Broker, edge: Edge, bucket: Bucket, s3_proxy: S3Proxy
) -> None:
    plain, picture = jpeg(9, 9), pictures.png(1)
    s3_proxy.close()
    with ExitStack() as stack:
        floods = [stack.enter_context(Flood(broker.port, name)) for name in ("flood", "flood-2")]
        for number in range(MESSAGES):
            for flood in floods:
                flood.send(plain[:-2] + bytes([1, number]) * (PADDING_BYTES // 2) + plain[-2:])
                flood.send(plain[:-2] + bytes([2, number]) * (PADDING_BYTES // 2) + plain[-2:], qos=0)
        edge.send(picture)
        s3_proxy.open()
        for costly in COSTLY.values():
            image = costly()
            floods[0].send_all([image] * 8)

        wait_for(lambda: pictures.identity(picture) in edge.stored(), seconds=SECONDS, what="the honest image")
        wait_for(lambda: len(bucket.list_keys("flood/")) >= MESSAGES, seconds=SECONDS, what="the large images")

    peak = container.peak_bytes
    print(f"at most {peak >> 20} MiB")
    assert container.state == "running false"
    assert peak < 900 << 20


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
