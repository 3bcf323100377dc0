"""The rooms: no folder that overflows, and one word for one thing."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from tests.deploy.shipped import repository_files
from tests.support.paths import ROOT

PACKAGES = ["cli", "common", "edge/camera", "cloud/storage", "cloud/uploader", "cloud/gallery", "cloud/enroll"]
MAX_ENTRIES = 10  # about nine
IN_EVERY_PROGRAM = {"__init__.py", "__main__.py", "texts"}


def modules(package: str) -> list[Path]:
    return [path for path in repository_files() if path.suffix == ".py" and path.is_relative_to(ROOT / package)]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_public_classes_of_a_package_have_the_same_name(package: str) -> None:
    places = defaultdict(list)
    for path in modules(package):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))

    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folder_overflows(package: str) -> None:
    entries = defaultdict(set)
    for path in repository_files():
        for folder in path.parents:
            if folder.is_relative_to(ROOT / package):
                entries[str(folder.relative_to(ROOT))].add(path.relative_to(folder).parts[0])

    counts = {folder: len(names - IN_EVERY_PROGRAM) for folder, names in entries.items()}
    assert {folder: count for folder, count in counts.items() if count > MAX_ENTRIES} == {}
