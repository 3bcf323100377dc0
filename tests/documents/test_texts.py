"""Every text of a page is in its texts.js, so that a translation is one file."""

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PAGES = {name: ROOT / name / "web" / "static" for name in ("edge/camera", "cloud/gallery")}
SHARED = ROOT / "common" / "web" / "static"
DEFINED = re.compile(r'^  (\w+): "(.*)",$', re.MULTILINE)
USED = re.compile(r'data-(?:text|label)="(\w+)"')
COMMENT = re.compile(r"^ *//.*$|[ ;]// .*$", re.MULTILINE)
LITERAL = re.compile(r'"([^"\n]*)"|`([^`]*)`')
# A literal that somebody reads: it begins with a capital letter, or has several words.
WORDS = re.compile(r"^[A-Z][a-z]+[ .,:]|^[A-Z][a-z]{2,}$|[a-z]{2,} [a-z]{2,} [a-z]{2,}")
# Headers, keys, a state, a name in the browser's storage.
NO_TEXT = {"If-None-Match", "Home", "End", "Escape", "Enter", "Backspace"}
NO_TEXT |= {"acknowledged by the broker", "usbcam seen until"}


def texts(folder: Path, file: str = "texts.js") -> dict[str, str]:
    return dict(DEFINED.findall((folder / file).read_text(encoding="utf-8")))


def translations() -> list[Path]:
    return [path for folder in PAGES.values() for path in sorted(folder.glob("texts.*.js"))]


def scripts(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.js")) if not path.name.startswith("texts.")]


def readable_literals(source: str) -> list[str]:
    found = [quoted or template for quoted, template in LITERAL.findall(COMMENT.sub("", source))]
    return [literal for literal in found if WORDS.search(literal) and literal not in NO_TEXT]


def readable_markup(source: str) -> list[str]:
    """Return what stands between tags, or in attributes that are read aloud; the product's name is no text."""
    between = re.findall(r">([^<]*)<", source)
    spoken = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', source)
    return [
        text.strip()
        for text in between + spoken
        if re.search(r"[A-Za-z]{2}", re.sub("usbcam( gallery| edges)?", "", text))
    ]


@pytest.mark.parametrize("page", PAGES)
def test_scripts_have_no_text_of_their_own(page: str) -> None:
    own = {path.name: readable_literals(path.read_text(encoding="utf-8")) for path in scripts(PAGES[page])}

    assert {name: literals for name, literals in own.items() if literals} == {}


@pytest.mark.parametrize("page", PAGES)
def test_markup_has_no_text_of_its_own(page: str) -> None:
    for markup in PAGES[page].rglob("*.html"):
        assert readable_markup(markup.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_text_is_used_and_every_name_has_a_text(page: str) -> None:
    sources = [*scripts(PAGES[page]), *PAGES[page].rglob("*.html")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    named = set(USED.findall(source)) | set(re.findall(r'text\("(\w+)"', source))

    defined = set(texts(PAGES[page]))
    assert named <= defined
    assert {name for name in defined if not re.search(rf'"{name}"|\b{name}:', source)} == set()


@pytest.mark.parametrize("page", PAGES)
def test_a_text_is_a_short_sentence(page: str) -> None:
    for text in texts(PAGES[page]).values():
        assert all(len(sentence.split()) <= 25 for sentence in re.split(r"[.;:] ", text)), text


@pytest.mark.parametrize("translation", translations(), ids=lambda path: f"{path.parts[-4]}-{path.name}")
def test_a_translation_has_every_text_and_fills_in_the_same(translation: Path) -> None:
    english, translated = texts(translation.parent), texts(translation.parent, translation.name)

    def filled_in(found: dict[str, str]) -> dict[str, set[str]]:
        return {name: set(re.findall(r"\{\w+\}", text)) for name, text in found.items()}

    assert filled_in(translated) == filled_in(english)


@pytest.mark.parametrize("source", ['show("Something is wrong");', "x = `Frames ${count}`;", '["Quality", 1]'])
def test_a_text_in_a_script_would_be_found(source: str) -> None:
    assert readable_literals(source)


@pytest.mark.parametrize("source", ["<p>Something</p>", '<button aria-label="Close">', "<option>all</option>"])
def test_a_text_in_markup_would_be_found(source: str) -> None:
    assert readable_markup(source)
