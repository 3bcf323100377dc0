"""Every link in every document leads somewhere: files are there, and so are the headings that anchors name."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.deploy.shipped import documents
from tests.support.paths import ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
PATH_IN_CODE = re.compile(r"`((?:edge|cloud|common|cli|dev|tests|mosquitto|docs)/[\w./-]+)`")
IN_CODE = re.compile(r"`[^`\n]*`")


def without_code(text: str) -> str:
    return IN_CODE.sub("", FENCED.sub("", text))


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to headings."""
    headings = re.findall(r"^#{1,6} +(.+?) *$", FENCED.sub("", text), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def broken_links(file: Path, text: str) -> list[str]:
    broken = []
    for link in LINK.findall(without_code(text)):
        if re.match(r"https?://|mailto:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (file.parent / path).resolve() if path else file
        if not target.exists() or not target.is_relative_to(ROOT):
            broken.append(f"{link}: there is no {path}")
        elif anchor and anchor not in anchors(text if target == file else target.read_text(encoding="utf-8")):
            broken.append(f"{link}: there is no heading {anchor}")
    return broken


@pytest.mark.parametrize("file", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(file: Path) -> None:
    assert broken_links(file, file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", ["docs/explanation/architecture.md", "docs/glossary.md", "CONTRIBUTING.md"])
def test_files_that_are_named_in_code_are_there(name: str) -> None:
    named = PATH_IN_CODE.findall((ROOT / name).read_text(encoding="utf-8"))

    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        file = waiting.pop()
        if file in reached or file.suffix != ".md" or not file.is_file():
            continue
        reached.add(file)
        links = LINK.findall(without_code(file.read_text(encoding="utf-8")))
        waiting += [(file.parent / link.partition("#")[0]).resolve() for link in links if "://" not in link]

    assert [file for file in documents() if file.parts[-2] != "ISSUE_TEMPLATE" and file not in reached] == []


@pytest.mark.parametrize(
    "text", ["[a](nowhere.md)", "[a](#nothing)", "[a](CONTRIBUTING.md#no-such-heading)", "[a](../outside.md)"]
)
def test_a_broken_link_would_be_found(text: str) -> None:
    assert len(broken_links(ROOT / "README.md", f"# Title\n\n{text}\n")) == 1
