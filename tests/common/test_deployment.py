"""What a message tells people to type can be typed where it is read."""

import re
from pathlib import Path

import pytest

from common.runtime import deployment as module
from common.runtime.deployment import (
    Deployment,
    as_typed_here,
    authority_removal,
    log_of,
    new_broker_certificate,
    start,
)
from tests.support.paths import ROOT

SOURCES = [path for room in ("edge/camera", "cloud", "common") for path in (ROOT / room).rglob("*.py")]
NEEDS_DOCKER = re.compile(r"\./usbcam (up|down|logs|restart|upgrade|uninstall)")


@pytest.fixture(params=Deployment)
def deployment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Deployment:
    found: Deployment = request.param
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    if found is Deployment.KUBERNETES:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    if found is Deployment.COMPOSE:
        monkeypatch.setattr(module, "CHECKOUT", tmp_path)
    return found


def test_each_deployment_has_commands_of_its_own(deployment: Deployment) -> None:
    advice = [*map(start, module.SERVICES), *map(log_of, module.SERVICES), new_broker_certificate()]
    typed = {
        Deployment.COMPOSE: "./usbcam ",
        Deployment.KUBERNETES: "kubectl -n usbcam-",
        Deployment.PROCESSES: "mosquitto/|-m ",
    }[deployment]

    assert [command for command in advice if not re.search(typed, command)] == []
    assert ("./usbcam" in authority_removal("AUTHORITY_DIR")) == (deployment is Deployment.COMPOSE)


def test_the_files_that_plain_processes_are_told_of_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    for service in module.SERVICES:
        program = start(service).split()[-1]
        assert (ROOT / program).exists() or any((ROOT / half / program).is_dir() for half in ("edge", "cloud"))


def test_in_a_pod_its_own_commands_are_kubectl_s_and_those_of_the_other_host_stay(deployment: Deployment) -> None:
    said = as_typed_here("./usbcam resume ends that, ./usbcam renew porch does not.", "camera")

    in_pod = "kubectl -n usbcam-edge exec deploy/edge -c camera -- python -m camera resume"
    resume = in_pod if deployment is Deployment.KUBERNETES else "./usbcam resume"
    assert said == f"{resume} ends that, ./usbcam renew porch does not."


def test_no_program_names_what_needs_docker_but_by_asking_where_it_runs() -> None:
    named = {
        path.relative_to(ROOT).as_posix(): line.strip()
        for path in SOURCES
        for line in path.read_text(encoding="utf-8").splitlines()
        if NEEDS_DOCKER.search(line) and path.name != "deployment.py"
    }

    assert named == {}
