"""The map of where to change what: each row leads to files that are there, and that define what the row names."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PAGE = ROOT / "docs/explanation/architecture.md"
HEADING = "## Where to change what"
COMMAND = "make docs"
UNNAMED = re.compile(r"`[\w/.]+\.(?:py|js)`(?! \(`)")
JS_FUNCTION = re.compile(r"\bfunction (\w+)")


def rows() -> dict[str, str]:
    section = PAGE.read_text(encoding="utf-8").split(HEADING)[1].split("\n## ")[0]
    cells = [line.strip("| ").split(" | ", 1) for line in section.splitlines() if line.startswith("| ")]
    return dict(cells[1:])


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
    assert faults(rows()[wanted]) == []


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
