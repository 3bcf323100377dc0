"""From the synthetic camera to a picture in the bucket, by the manifests and podman. Long: only with REALITY=1."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.harness.services import s3_client, wait_for
from tests.e2e.bucket import assert_as_documented, wait_for_captures
from tests.kubernetes.manifests import containers
from tests.kubernetes.podman import Overlay, Podman, run
from tests.support.paths import ROOT

KEYS = ("usbcam-test", "usbcam-test-secret")
BUCKET = "faces"
OURS = {"usbcam-cloud:0.1.0": "cloud/Dockerfile", "usbcam-camera:0.1.0": "edge/Dockerfile"}
MOSQUITTO = "eclipse-mosquitto:2.1.2-alpine"
STORE = "usbcam-store:0.1.0"

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.environ.get("REALITY") != "1", reason="long: set REALITY=1"),
    pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not there"),
    pytest.mark.skipif(shutil.which("docker") is None, reason="docker, which builds the images, is not there"),
]


@pytest.fixture
def podman(tmp_path: Path) -> Iterator[Podman]:
    """Build the images by Docker, as everywhere, and hand them to podman."""
    for image, file in OURS.items():
        run("docker", "build", "--quiet", "--tag", image, "--file", str(ROOT / file), str(ROOT))
    run("docker", "build", "--quiet", "--tag", STORE, str(ROOT / "dev" / "store"))
    archive = tmp_path / "images.tar"
    run("docker", "save", "--output", str(archive), *OURS, MOSQUITTO, STORE)
    run("podman", "load", "--quiet", "--input", str(archive))
    archive.unlink()
    podman = Podman(f"usbcam-test-{uuid.uuid4().hex[:8]}", tmp_path)
    podman.create()
    yield podman
    podman.close()


@pytest.fixture
def endpoint(podman: Podman) -> Iterator[str]:
    """Run an S3 server beside the pods, and return its address on this machine."""
    name = f"{podman.name}-store"
    given = {"STORE_BUCKET": BUCKET, "STORE_ACCESS_KEY": KEYS[0], "STORE_SECRET_KEY": KEYS[1]}
    settings = [word for key, value in given.items() for word in ("--env", f"{key}={value}")]
    where = ["--network", f"{podman.name}:alias=store", "--publish", "127.0.0.1::8333"]
    run("podman", "run", "--detach", "--name", name, *where, *settings, STORE)
    yield "http://" + run("podman", "port", name, "8333")
    run("podman", "rm", "--force", "--volumes", "--time", "3", name)


def test_the_manifests_bring_captures_to_the_bucket(podman: Podman, endpoint: str) -> None:
    cloud = Overlay.read("one-node", CLOUD_HOST="cloud-broker", S3_BUCKET=BUCKET, S3_ENDPOINT_URL="http://store:8333")
    maps = cloud.maps()
    podman.keep_secret("cloud-secrets", AWS_ACCESS_KEY_ID=KEYS[0], AWS_SECRET_ACCESS_KEY=KEYS[1])
    _finish(podman.play(cloud.find("Job", "enroll"), maps))
    for name in ("cloud-broker", "uploader", "gallery"):
        podman.play(cloud.find("Deployment", name), maps)
        _wait_until_healthy("cloud", name, name)
    line = _finish(podman.play(cloud.find("Job", "enroll"), maps, name="enroll-porch", args=["porch"]))
    edge = Overlay.read("synthetic")
    podman.keep_secret("edge-secrets", EDGE_TOKEN=line.partition("=")[2])
    podman.play(edge.find("Deployment", "edge"), edge.maps())

    captures = wait_for_captures(s3_client(endpoint, *KEYS), BUCKET, 3)

    for stored in captures:
        assert_as_documented(stored, edge="porch", camera="demo")
    _wait_until_healthy("edge", "edge", "camera")
    _wait_until_healthy("edge", "edge", "edge-broker")


def _finish(pod: str) -> str:
    """Wait for a Job's container and return what it printed."""
    assert run("podman", "wait", f"{pod}-enroll") == "0", run("podman", "logs", f"{pod}-enroll")
    return run("podman", "logs", f"{pod}-enroll")


def _wait_until_healthy(half: str, pod: str, container: str) -> None:
    """Ask by the command of the manifest's own probe, which podman does not run by itself."""
    command = containers(half)[container]["readinessProbe"]["exec"]["command"]
    ask = ["podman", "exec", f"{pod}-{container}", *command]
    wait_for(lambda: subprocess.run(ask, capture_output=True, check=False).returncode == 0, seconds=120, what=container)
