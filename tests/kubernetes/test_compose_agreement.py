"""Compose and Kubernetes say the same: images, users, limits, probes, variables, volumes, time to end.

The Compose files are the source; each departure of the manifests is named here, with its reason.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.shipped import CLOUD, EDGE, example_settings, read_compose, variables_read
from tests.kubernetes.manifests import FOLDER, HALVES, containers, documents, pods, resources
from tests.support.paths import ROOT

FILES = {"edge": EDGE, "cloud": CLOUD}
EVERY_CONTAINER = [(half, name) for half in HALVES for name in sorted(containers(half))]
SECRETS = {
    "edge": {"EDGE_TOKEN", "LIVE_PASSWORD", "HOMEASSISTANT_PASSWORD"},
    "cloud": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GALLERY_PASSWORD", "NOTIFY_URLS"},
}
DEPARTURES: dict[tuple[str, str], str | None] = {
    ("camera", "EDGE_BROKER_HOST"): "127.0.0.1",  # they share a pod
    ("camera", "DEVICE_DIR"): None,  # the device plugin puts the camera where the program looks by default
    ("camera", "LIVE_LISTEN"): None,  # no `ports` in between: the page listens as LIVE_BIND says
    ("gallery", "GALLERY_LISTEN"): None,
    ("gallery", "GALLERY_PORT"): "8081",  # the Service has the port that others see
}
OF_THE_HOST = {"CAMERA_FILES", "VIDEO_GID", "CLOUD_BIND"}  # of Compose alone
BY_FILE = re.compile(r"(EDGE_TOKEN|LIVE_PASSWORD|GALLERY_PASSWORD|AWS_CREDENTIALS)_FILE")  # Secrets take their place


def service(half: str, name: str) -> dict[str, Any]:
    return dict(read_compose(FILES[half])["services"][name])


def test_each_service_is_a_container_and_nothing_else_is() -> None:
    for half in HALVES:
        assert set(containers(half)) == set(read_compose(FILES[half])["services"])


@pytest.mark.parametrize(("half", "name"), EVERY_CONTAINER)
def test_image_and_user_agree(half: str, name: str) -> None:
    container, composed = containers(half)[name], service(half, name)
    security = container["securityContext"]

    assert container["image"] == composed["image"]
    assert f"{security['runAsUser']}:{security['runAsGroup']}" == composed["user"]
    assert security["readOnlyRootFilesystem"] is composed["read_only"]
    assert security["capabilities"]["drop"] == composed["cap_drop"]


@pytest.mark.parametrize(("half", "name"), EVERY_CONTAINER)
def test_command_and_memory_agree(half: str, name: str) -> None:
    container, composed = containers(half)[name], service(half, name)

    given = [*container.get("command", []), *container.get("args", [])]
    asked = [*(composed.get("entrypoint") or []), *(composed.get("command") or [])]
    assert given == asked
    assert _bytes(container["resources"]["limits"]["memory"]) == int(composed["mem_limit"])


@pytest.mark.parametrize(("half", "name"), EVERY_CONTAINER)
def test_probe_and_health_check_agree(half: str, name: str) -> None:
    probe, asked = containers(half)[name].get("readinessProbe"), _health_check(half, name)

    assert (probe is None) == (asked is None)
    if probe and asked:
        said = (probe["exec"]["command"], probe["periodSeconds"], probe["timeoutSeconds"], probe["failureThreshold"])
        assert said == asked


@pytest.mark.parametrize(("half", "name"), EVERY_CONTAINER)
def test_fixed_variables_agree(half: str, name: str) -> None:
    fixed = {key: value for key, value in _written(half, name).items() if "${" not in value}
    given = {entry["name"]: entry["value"] for entry in containers(half)[name].get("env", []) if "value" in entry}

    expected = fixed | {variable: value for (of, variable), value in DEPARTURES.items() if of == name and value}
    assert given == {key: value for key, value in expected.items() if DEPARTURES.get((name, key), value) is not None}


@pytest.mark.parametrize(("half", "name"), EVERY_CONTAINER)
def test_a_secret_reaches_exactly_who_reads_it(half: str, name: str) -> None:
    given = {
        entry["name"] for entry in containers(half)[name].get("env", []) if "secretKeyRef" in entry.get("valueFrom", {})
    }

    assert given == set(service(half, name)["environment"]) & SECRETS[half]


@pytest.mark.parametrize(("half", "name"), EVERY_CONTAINER)
def test_every_setting_of_the_half_can_be_given(half: str, name: str) -> None:
    container = containers(half)[name]
    wanted = {key for key, value in _written(half, name).items() if "${" in value} - SECRETS[half]
    wanted = {key for key in wanted if not BY_FILE.fullmatch(key) and key != "AWS_SHARED_CREDENTIALS_FILE"}
    by_key = {entry["name"] for entry in container.get("env", [])}

    assert wanted <= by_key or {"configMapRef": {"name": "settings"}} in container.get("envFrom", [])


@pytest.mark.parametrize("half", HALVES)
def test_the_settings_that_the_overlays_name_are_settings_of_that_half(half: str) -> None:
    known = (variables_read(FILES[half]) - SECRETS[half] - OF_THE_HOST) & set(example_settings())

    for path in FOLDER.rglob("kustomization.yaml"):
        if (half == "cloud") == ("usbcam-cloud" in path.read_text(encoding="utf-8")):
            assert _settings(path) <= known


@pytest.mark.parametrize("half", HALVES)
def test_what_the_programs_keep_is_mounted_at_the_same_places(half: str) -> None:
    for name, container in containers(half).items():
        composed = service(half, name)
        asked = {mount["target"] for mount in composed["volumes"] if mount["type"] == "volume"} - {"/files"}
        given = {mount["mountPath"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}
        read_only = {mount["target"] for mount in composed["volumes"] if mount.get("read_only")}
        assert asked | {entry.split(":")[0] for entry in composed["tmpfs"]} <= set(given)
        assert {path for path in asked if given[path]} == asked & read_only


@pytest.mark.parametrize("half", HALVES)
def test_the_time_to_end_agrees(half: str) -> None:
    for name, pod in pods(resources(half)):
        asked = [service(half, entry["name"]).get("stop_grace_period") for entry in pod["containers"]]
        seconds = [int(text.removesuffix("s")) for text in asked if text]
        assert pod.get("terminationGracePeriodSeconds") == max(seconds, default=None), name


@pytest.mark.parametrize("half", HALVES)
def test_a_tmpfs_is_as_large(half: str) -> None:
    for _, pod in pods(resources(half)):
        sizes = {volume["name"]: volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if "emptyDir" in volume}
        for container in pod["containers"]:
            (tmp,) = [mount["name"] for mount in container["volumeMounts"] if mount["mountPath"] == "/tmp"]
            (asked,) = [entry for entry in service(half, container["name"])["tmpfs"] if entry.startswith("/tmp:")]
            assert sizes[tmp].removesuffix("Mi") == re.findall(r"size=(\d+)m", asked)[0]


def _bytes(quantity: str) -> int:
    units = {"Mi": 1 << 20, "Gi": 1 << 30}
    return int(quantity[:-2]) * units[quantity[-2:]]


def _written(half: str, name: str) -> dict[str, str]:
    """Return a service's variables as the Compose file has them, not filled in."""
    (content,) = documents((ROOT / FILES[half]).read_text(encoding="utf-8"))
    return dict(content["services"][name]["environment"])


def _health_check(half: str, name: str) -> tuple[list[str], int, int, int] | None:
    """Return command, period, time-out and tries, of the Compose file or else of the image."""
    check = service(half, name).get("healthcheck", {})
    if check.get("disable"):
        return None
    if check:
        command = [word.replace("$$", "$") for word in check["test"][1:]]
        return command, *(_seconds(check[key]) for key in ("interval", "timeout")), check["retries"]
    text = (ROOT / half / "Dockerfile").read_text(encoding="utf-8")
    found = re.search(r"HEALTHCHECK --interval=(\d+)s --timeout=(\d+)s .*--retries=(\d+) CMD (\[.*\])", text)
    assert found
    return yaml.safe_load(found[4]), int(found[1]), int(found[2]), int(found[3])


def _seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def _settings(path: Path) -> set[str]:
    generators = yaml.safe_load(path.read_text(encoding="utf-8")).get("configMapGenerator", [])
    return {literal.partition("=")[0] for entry in generators for literal in entry["literals"]}
