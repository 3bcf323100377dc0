"""Every sentence that the troubleshooting page quotes is one that the product says, word by word."""

import ast
import functools
import re
from collections.abc import Iterator

import pytest

from tests.deploy.shipped import repository_files
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "how-to" / "troubleshoot.md"
PARTS = {"edge", "cloud", "common", "mosquitto", "cli"}
QUOTED = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
GAP = "\0"  # what a message fills in


@functools.cache
def said() -> list[str]:
    """All that the product says. Read once, and only by the worker that asks."""
    return list(messages())


def messages() -> Iterator[str]:
    for path in repository_files():
        if path.relative_to(ROOT).parts[0] not in PARTS:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        if path.suffix == ".py":
            yield from python_strings(text)
        elif path.suffix in {".sh", ".awk", ".js", ".html", ".json"}:
            yield from (re.sub(r"\$\{[^}]*\}+|\$\w+", GAP, line) for line in text.splitlines())


def python_strings(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else GAP for part in node.values)  # type: ignore[misc]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"%[sdg]|\{\w+\}", GAP, node.value)


def is_said(sentence: str) -> bool:
    """Tell whether a message has all of the words, with gaps where the page has `...`."""
    words = [re.escape(part.strip()) for part in sentence.split("...") if part.strip()]
    pattern = re.compile(".*".join(words), re.DOTALL)
    return any(pattern.search(message) for message in said())


@pytest.mark.parametrize("sentence", QUOTED.findall(PAGE.read_text(encoding="utf-8")))
def test_a_quoted_sentence_is_one_of_the_product_s(sentence: str) -> None:
    assert is_said(sentence), f"nothing says {sentence!r} any more; change docs/how-to/troubleshoot.md"


def test_the_page_quotes_many_sentences_and_one_that_nobody_says_would_be_found() -> None:
    assert len(QUOTED.findall(PAGE.read_text(encoding="utf-8"))) > 30
    assert not is_said("the token of ... has been eaten by a dog")


def test_sentences_are_in_the_order_of_the_alphabet() -> None:
    for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        quoted = [sentence.strip(". ").lower() for sentence in QUOTED.findall(part)]
        assert quoted == sorted(quoted), part.splitlines()[0]
