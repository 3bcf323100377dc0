"""One version, in everything that has one."""

import re
import tomllib

import pytest

from common import __version__
from tests.support.paths import ROOT


@pytest.mark.parametrize("half", ["edge", "cloud"])
def test_both_halves_have_the_version_that_the_programs_print(half: str) -> None:
    project = tomllib.loads((ROOT / half / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["version"] == __version__


def test_every_image_that_compose_builds_has_it_as_its_tag() -> None:
    files = sorted(ROOT.glob("docker-compose.*.yml"))
    images = [image for file in files for image in re.findall(r"image: (usbcam-\S+)", file.read_text(encoding="utf-8"))]

    assert len(images) >= 5
    assert {image.partition(":")[2] for image in images} == {__version__}


def test_the_changelog_begins_with_it() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert headings[0] == __version__
