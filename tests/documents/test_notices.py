"""THIRD-PARTY.md names what the images contain: each locked package, each model, each base image."""

import re

from dev.documents.notices import MODELS, locked_packages
from tests.deploy.shipped import repository_files
from tests.support.paths import ROOT

NOTICES = (ROOT / "THIRD-PARTY.md").read_text(encoding="utf-8")
MODEL = re.compile(r"[\w.-]+\.(?:onnx|tflite|task|pb|caffemodel)\b")


def test_every_locked_package_is_named_with_its_version() -> None:
    missing = [name for name, version, _ in locked_packages() if f"| {name} | {version} |" not in NOTICES]

    assert missing == []


def test_every_model_that_the_code_names_has_a_notice() -> None:
    code = [path for path in repository_files() if path.suffix == ".py" and path.is_relative_to(ROOT / "edge")]
    named = {found for path in code for found in MODEL.findall(path.read_text(encoding="utf-8"))}

    assert named
    assert named <= set(MODELS)


def test_every_base_image_is_named() -> None:
    files = [ROOT / "edge" / "Dockerfile", ROOT / "cloud" / "Dockerfile", *ROOT.glob("docker-compose.*.yml")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    bases = set(re.findall(r"^FROM (\S+)|image: (eclipse-mosquitto)", text, re.MULTILINE))

    assert {base or image for base, image in bases} <= set(re.findall(r"^\| `([^`]+)`", NOTICES, re.MULTILINE))
