"""The map: each room is on it, and each row leads to files that are there and define what the row names."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.deploy.shipped import repository_files
from tests.support.paths import ROOT

PAGE = ROOT / "docs/explanation/architecture.md"
HEADING = "## Where to change what"
COMMAND = "make docs"
UNNAMED = re.compile(r"`[\w/.]+\.(?:py|js)`(?! \(`)")
JS_FUNCTION = re.compile(r"\bfunction (\w+)")


def rows() -> dict[str, tuple[str, str]]:
    """What is wanted, with the places to look at and the tests."""
    section = PAGE.read_text(encoding="utf-8").split(HEADING)[1].split("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {wanted: (places, tests) for wanted, places, tests in cells[1:]}


def floors(folder: str) -> list[set[str]]:
    """The rooms on each floor of the table that begins with this folder, from the top; a room in a room is left out."""
    table = PAGE.read_text(encoding="utf-8").split(f": `{folder}/` |")[1].split("\n\n")[0]
    found: list[set[str]] = []
    for line in table.splitlines()[2:]:
        floor, rooms = line.strip("|").split(" | ")[:2]
        if floor.strip():
            found.append(set())
        found[-1] |= {room for room in re.findall(r"`([^`]+)`", rooms) if "/" not in room}
    return found


def layers(contract: str) -> list[set[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (found,) = [each for each in settings["tool"]["importlinter"]["contracts"] if each["name"].startswith(contract)]
    return [set(layer.split(" | ")) for layer in found["layers"]]


def defined(file: Path) -> set[str]:
    """The classes, functions and names that a file defines, its members' too."""
    code = file.read_text(encoding="utf-8")
    if file.suffix == ".js":
        return set(JS_FUNCTION.findall(code))
    nodes = list(ast.walk(ast.parse(code)))
    named = {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)}
    return named | {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def faults(places: str) -> list[str]:
    """What of a row's second half leads nowhere."""
    found = [f"{file} comes without a name to look for" for file in UNNAMED.findall(places)]
    folder, file = ROOT, ROOT
    for word in re.findall(r"`([^`]+)`", places):
        if "/" not in word and "." not in word and word != COMMAND:
            if file.is_dir() or word not in defined(file):
                found.append(f"{file.name} does not define {word}")
        elif near := [path for path in (folder / word, ROOT / word) if path.exists()]:
            file = near[0]
            folder = file if file.is_dir() else folder
        elif word != COMMAND:
            found.append(f"there is no {word}")
    return found


@pytest.mark.parametrize("wanted", rows())
def test_a_row_of_the_map_leads_to_files_that_define_what_it_names(wanted: str) -> None:
    assert faults(rows()[wanted][0]) == []


@pytest.mark.parametrize("wanted", rows())
def test_a_row_of_the_map_names_tests_that_are_there(wanted: str) -> None:
    named = re.findall(r"`(tests/[^`]+)`", rows()[wanted][1])

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ("folder", "contract"),
    [("edge/camera", "edge floors"), ("cloud", "cloud floors"), ("common", "the rooms of common")],
)
def test_the_floors_on_the_page_are_those_of_the_laws(folder: str, contract: str) -> None:
    shown = floors(folder)

    assert shown[: len(layers(contract))] == layers(contract)
    assert set().union(*shown[len(layers(contract)) :]) <= {"enroll"}  # which stands alongside


def test_each_folder_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    paths = [path.relative_to(ROOT).parts for path in repository_files()]
    top = {f"{parts[0]}/" for parts in paths if len(parts) > 1 and not parts[0].startswith(".")}
    below = {"/".join(parts[:2]) for parts in paths if len(parts) > 2 and parts[0] in {"dev", "tests"}}

    assert {folder for folder in top if f"`{folder}" not in page} == set()
    assert {folder for folder in below if f"`{folder}`" not in page} == set()


@pytest.mark.parametrize(
    "places",
    [
        "`edge/camera/nowhere.py` (`run`)",
        "`edge/camera/pipeline/visits/encoder.py` (`crop_face`)",
        "`common/web/login.py`",
        "`common/contract/`: `topics.py` (`TOPICS`)",
        "`cloud/gallery/web/static/overview/cameras.js` (`text`)",
    ],
)
def test_a_row_that_leads_nowhere_would_be_found(places: str) -> None:
    assert faults(places)
