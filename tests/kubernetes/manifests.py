"""The manifests as the tests read them: the files as they are, and what kustomize makes of an overlay."""

import functools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import ROOT

Resource = dict[str, Any]

FOLDER = ROOT / "deploy" / "kubernetes"
HALVES = ("edge", "cloud")
OVERLAYS = tuple(sorted(path.parent.name for path in FOLDER.glob("overlays/*/kustomization.yaml")))
PROMISED = ("1.27", "1.37")  # the oldest version of Kubernetes and the newest; docs/how-to/kubernetes.md says so


def documents(text: str) -> Iterator[Resource]:
    """Read YAML by the C library: by Python's it would be most of the time."""
    yield from yaml.load_all(text, Loader=yaml.CSafeLoader)


def files() -> list[Path]:
    """Return every manifest, without what only kustomize reads."""
    return sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")


@functools.cache
def resources(half: str) -> tuple[Resource, ...]:
    """Return what the files of a half say; this needs no program."""
    found = [path for path in files() if path.is_relative_to(FOLDER / half)]
    return tuple(resource for path in found for resource in documents(path.read_text(encoding="utf-8")))


@functools.cache
def rendered(overlay: str) -> str:
    """Return what `kubectl apply -k` would send."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl, which has kustomize, is not there")
    command = ["kubectl", "kustomize", str(FOLDER / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def overlay_resources(overlay: str) -> list[Resource]:
    return list(documents(rendered(overlay)))


def pods(found: tuple[Resource, ...] | list[Resource]) -> Iterator[tuple[str, Resource]]:
    """Yield each pod's specification with the name of what makes it."""
    for resource in found:
        spec = resource.get("spec", {})
        if resource["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            yield f"{resource['kind']} {resource['metadata']['name']}", spec["template"]["spec"]


def containers(half: str) -> dict[str, Resource]:
    """Return the containers of a half by name; where two pods have one of a name, they must be equal."""
    found: dict[str, Resource] = {}
    for _, pod in pods(resources(half)):
        for container in pod["containers"]:
            assert found.setdefault(container["name"], container) == container
    return found
