"""The demo's containers killed one after the other, and one of them cut off its network: the counts agree."""

import subprocess
from collections.abc import Callable, Iterator

import pytest

from dev.demo import containers as compose
from dev.harness.services import s3_client
from tests.faults.rig.ledger import CAPTURED, Ledger, objects_in
from tests.support.docker import wait_for_docker
from tests.support.programs.demo import running_demo

pytestmark = [pytest.mark.docker, pytest.mark.faults, pytest.mark.timeout(600)]

SETTINGS = compose.read_settings()
SERVICES = ("camera", *compose.PARTS)
FAST = {"CAPTURE_POLICY": "interval", "CAPTURE_INTERVAL_SECONDS": "0.5", "CAPTURES_PER_MINUTE": "600"}


@pytest.fixture
def demo() -> Iterator[compose.Demo]:
    with running_demo(**FAST) as demo:
        yield demo


def test_killed_and_cut_off_containers_lose_nothing(demo: compose.Demo, note: Callable[[str], None]) -> None:
    for service in SERVICES:
        wait_for_captures(demo, 3)
        docker("kill", container(demo, service))
        if service != "camera":
            wait_for_captures(demo, 3)
        start_again(container(demo, service))
    cut_off(demo, "edge-broker", captures=5)
    wait_for_captures(demo, 5)

    captured = captured_by(container(demo, "camera"))
    wait_for_docker(
        lambda: captured <= bucket(demo).stored, seconds=150, what=f"{len(captured)} captures in the bucket"
    )

    tally = bucket(demo).tally(len(SERVICES) + 1, seed=0)
    note(f"captured={len(captured)} when counted, {tally}")
    assert tally.duplicated == 0
    assert len(captured) > 20


def cut_off(demo: compose.Demo, service: str, *, captures: int) -> None:
    network = f"{demo.project}_default"
    docker("network", "disconnect", network, container(demo, service))
    wait_for_captures(demo, captures)
    docker("network", "connect", "--alias", service, network, container(demo, service))


def bucket(demo: compose.Demo) -> Ledger:
    count = Ledger()
    client = s3_client(demo.address("store", 8333), SETTINGS["AWS_ACCESS_KEY_ID"], SETTINGS["AWS_SECRET_ACCESS_KEY"])
    count.note_bucket(objects_in(client, SETTINGS["S3_BUCKET"]))
    return count


def captured_by(camera: str) -> set[str]:
    return set(CAPTURED.findall(docker("logs", camera)))


def wait_for_captures(demo: compose.Demo, more: int) -> None:
    camera = container(demo, "camera")
    wanted = len(captured_by(camera)) + more
    wait_for_docker(lambda: len(captured_by(camera)) >= wanted, seconds=120, what=f"{more} captures")


def container(demo: compose.Demo, service: str) -> str:
    return demo.run("ps", "--all", "--quiet", service).strip()


def start_again(container_id: str) -> None:
    """An engine forgets a killed container's process a moment after it says so, and does not start it before."""
    command = ["docker", "start", container_id]
    wait_for_docker(
        lambda: subprocess.run(command, capture_output=True, check=False).returncode == 0,
        seconds=60,
        what=" ".join(command),
    )


def docker(*command: str) -> str:
    done = subprocess.run(["docker", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
