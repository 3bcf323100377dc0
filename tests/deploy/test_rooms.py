"""The rooms: no folder that overflows, and one word for one thing."""

import ast
import json
import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

from tests.deploy.shipped import repository_files
from tests.support.paths import ROOT

PACKAGES = ["cli", "common", "edge/camera", "cloud/storage", "cloud/uploader", "cloud/gallery", "cloud/enroll"]
MAX_ENTRIES = 10  # about nine
SETTING = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
LOGGER = re.compile(r"^(\w+) = logging\.getLogger\(__name__", re.MULTILINE)
HALVES = {"edge", "cloud"}  # folders of packages, and no packages
PAST_THE_LAWS = {*HALVES, "tests"}  # a module is known to the laws of imports by one name, camera.service
BY_TEXT = {"import_module", "__import__"}
# Each program's settings; and a capture as an edge writes it, and as a cloud stores it.
NAMED_TWICE = {"Settings", "Capture"}
IN_EVERY_PROGRAM = {"__init__.py", "__main__.py", "texts"}


def modules(package: str) -> list[Path]:
    return [path for path in repository_files() if path.suffix == ".py" and path.is_relative_to(ROOT / package)]


def public_classes(packages: list[str]) -> dict[str, list[str]]:
    places = defaultdict(list)
    for path in (path for package in packages for path in modules(package)):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    return places


@pytest.mark.parametrize("packages", [PACKAGES, ["dev"]])
def test_no_two_public_classes_have_the_same_name(packages: list[str]) -> None:
    twice = {name: found for name, found in public_classes(packages).items() if len(found) > 1}

    assert {name: found for name, found in twice.items() if name not in NAMED_TWICE} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folder_overflows(package: str) -> None:
    entries = defaultdict(set)
    for path in repository_files():
        parts = path.relative_to(ROOT).parts
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if f"{folder}/".startswith(f"{package}/"):
                entries[folder].add(parts[depth])

    counts = {folder: len(names - IN_EVERY_PROGRAM) for folder, names in entries.items()}
    assert {folder: count for folder, count in counts.items() if count > MAX_ENTRIES} == {}


def test_every_package_is_bound_by_the_laws_of_imports_and_of_types() -> None:
    python = [path.relative_to(ROOT).parts for path in repository_files() if path.suffix == ".py"]
    packages = {"/".join(parts[: 2 if parts[0] in HALVES else 1]) for parts in python}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]

    assert packages == set(settings["mypy"]["files"])
    assert {name.rpartition("/")[2] for name in packages} - {"tests"} == set(settings["importlinter"]["root_packages"])


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_is_imported_past_the_laws(package: str) -> None:
    assert [found for path in modules(package) for found in _past_the_laws(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    "source",
    [
        "from edge.camera.config import schedule",
        "import cloud.gallery.settings",
        "def lazily() -> None:\n    from tests.support import paths",
        'importlib.import_module("camera.config")',
        '__import__("gallery")',
    ],
)
def test_an_import_past_the_laws_would_be_found(source: str) -> None:
    assert _past_the_laws(source)


def test_a_logger_is_spelled_the_same_everywhere() -> None:
    spelled = {
        str(path.relative_to(ROOT)): found
        for package in [*PACKAGES, "dev"]
        for path in modules(package)
        for found in LOGGER.findall(path.read_text(encoding="utf-8"))
    }

    assert {path: name for path, name in spelled.items() if name != "log"} == {}


def test_common_knows_no_setting_by_name() -> None:
    table = json.loads((ROOT / "cli/settings/table.json").read_text(encoding="utf-8"))
    settings = set(table)
    named = {
        f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
        for path in modules("common")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for name in SETTING.findall(node.value)
        if name in settings
    }

    assert named == set()


def test_what_a_camera_seldom_needs_is_not_loaded_at_its_start() -> None:
    seldom = ("camera.sources.synthetic", "camera.diagnostics.offline", "camera.diagnostics.contact_sheet", "av")
    theirs = ("edge/camera/sources/synthetic/", "edge/camera/diagnostics/offline.py")
    loaded = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules("edge/camera")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        for name in _imported(node)
        if f"{name}.".startswith(tuple(f"{each}." for each in seldom))
    }

    assert {each for each in loaded if not each.startswith(theirs)} == set()


def _past_the_laws(source: str) -> list[str]:
    """Imports under a name, or in a way, that import-linter does not see."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [name for node in nodes if isinstance(node, ast.stmt) for name in _imported(node)]
    called = [ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)]
    return [
        *(name for name in names if name.split(".")[0] in PAST_THE_LAWS),
        *(name for name in called if name.rpartition(".")[2] in BY_TEXT),
    ]


def _imported(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
