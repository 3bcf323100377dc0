"""The manifests are what every promised version of Kubernetes takes."""

import functools
import json
import re
from pathlib import Path

import pytest

from tests.kubernetes.manifests import FOLDER, OVERLAYS, PROMISED, Resource, documents, files, overlay_resources
from tests.support.paths import ROOT

kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")


utils = kubernetes_validate.utils
utils.schema_contents = functools.cache(utils.schema_contents)  # it would read megabytes for each resource


def check(resource: Resource, version: str) -> None:
    check_once(json.dumps(resource), version)


@functools.cache  # the overlays share most
def check_once(resource: str, version: str) -> None:
    kubernetes_validate.validate(json.loads(resource), version, strict=True)


@pytest.mark.parametrize("version", PROMISED)
@pytest.mark.parametrize("file", files(), ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_file_fits_the_schema(file: Path, version: str) -> None:
    for resource in documents(file.read_text(encoding="utf-8")):
        check(resource, version)


@pytest.mark.parametrize("version", PROMISED)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_fits_the_schema(overlay: str, version: str) -> None:
    for resource in overlay_resources(overlay):
        check(resource, version)


def test_a_misspelt_field_does_not_fit() -> None:
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"selectors": {"app": "x"}}}

    with pytest.raises(kubernetes_validate.ValidationError):
        check(wrong, PROMISED[0])


def test_the_documents_promise_these_versions() -> None:
    text = (ROOT / "docs" / "how-to" / "kubernetes.md").read_text(encoding="utf-8")

    assert re.findall(r"Kubernetes (\d\.\d+) to (\d\.\d+)", text) == [PROMISED]
