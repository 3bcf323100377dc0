"""What a person reads first is written in short sentences, and the README fits a few screens."""

import re
from pathlib import Path

import pytest

from tests.deploy.shipped import documents
from tests.support.paths import ROOT

README = ROOT / "README.md"
MAX_WORDS = 25
MAX_README_LINES = 120
SHORT = [
    README,
    *(path for path in documents() if {"how-to", "tutorial", "explanation"} & set(path.parts)),
    ROOT / "docs" / "index.md",
]
PLAIN = [*SHORT, *(path for path in documents() if "reference" in path.parts)]
FENCED = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
END = re.compile(r"(?<=[.!?:;])\s+(?=[A-Z`*\[./])|\n\s*\n|\n[-|#]|\n\d\. | \| ")


def sentences(text: str) -> list[str]:
    """Return the sentences; code and a link's target count as one word each."""
    plain = FENCED.sub("\n\n", text)
    plain = re.sub(r"<!--.*?-->|!\[[^\]]*\]\([^)]*\)", "", plain, flags=re.DOTALL)
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", plain)
    plain = re.sub(r"`[^`]*`", "`code`", plain)
    return [" ".join(sentence.split()) for sentence in END.split(plain) if sentence.strip()]


def long_sentences(text: str) -> list[str]:
    return [sentence for sentence in sentences(text) if len(re.findall(r"\w[\w'-]*", sentence)) > MAX_WORDS]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_readme_is_short_and_begins_with_a_picture_of_the_product() -> None:
    text = README.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= MAX_README_LINES
    assert len(text[: text.index("![")].split()) < 100


@pytest.mark.parametrize("file", SHORT, ids=name)
def test_a_sentence_has_at_most_25_words(file: Path) -> None:
    assert long_sentences(file.read_text(encoding="utf-8")) == []


def test_no_paragraph_stands_in_two_documents() -> None:
    seen: dict[str, str] = {}
    twice = []
    for file in PLAIN:
        for paragraph in re.split(r"\n\s*\n", FENCED.sub("", file.read_text(encoding="utf-8"))):
            words = " ".join(paragraph.split())
            if len(words.split()) > 12 and not words.startswith("<!--"):
                twice += [f"{seen[words]} and {name(file)}: {words[:60]}"] if words in seen else []
                seen[words] = name(file)

    assert twice == []


def test_a_long_sentence_would_be_found() -> None:
    assert long_sentences("This is one sentence, " + "and it goes on " * 6 + "until nobody knows how it began.")
